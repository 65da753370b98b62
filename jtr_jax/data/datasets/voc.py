"""PASCAL VOC segmentation, with or without the augmented training set.

Beside prepared depth of NYUv2 this is the partly labelled mixture of the AMTL
paper, without its boxes.
"""

from pathlib import Path
from typing import Literal, TypeAlias

from jtr_jax.data.datasets import voc_classes
from jtr_jax.data.datasets.listed_folders import ListedFolders
from jtr_jax.data.datasets.raw import (
  IMAGE,
  OnProblem,
  RawDataset,
  RawTask,
  raise_error,
)

OBTAIN = (
  "Download VOCtrainval_11-May-2012.tar from "
  "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/ (2 GB)"
)

Training: TypeAlias = Literal["train", "trainaug", "trainval"]
"""Which list has the training images; trainaug (10,582) is that of SBD."""

_PLAIN = ("SegmentationClass", ".png")
_AUGMENTED = ("SegmentationClassAug", ".png")
_FILES = ListedFolders(
  "PASCAL VOC",
  (".", "VOC2012", "VOCdevkit/VOC2012"),
  "ImageSets/Segmentation",
  {IMAGE: (("JPEGImages", ".jpg"),), "segmentation": (_PLAIN,)},
  OBTAIN,
)
_WITH_AUGMENTED = _FILES._replace(
  files={**_FILES.files, "segmentation": (_PLAIN, _AUGMENTED)}
)


def is_here(raw: Path) -> bool:
  """Return whether the unpacked files of one year exist at a path."""
  return _FILES.find(raw) is not None


def scan(
  raw: Path,
  *,
  training: Training = "train",
  on_problem: OnProblem = raise_error,
) -> RawDataset:
  """Return the segmentation of one year.

  Args:
    raw: the folder of the year, or one that holds it as `VOC2012` or
      `VOCdevkit/VOC2012`.
    training: the list of training images; those of trainaug have their labels
      in `SegmentationClassAug` where `SegmentationClass` has none.
    on_problem: called for every missing file.

  Returns:
    Splits "train" and "val", prepared at 512x512 unless the user says
    otherwise.

  Raises:
    ValueError: nothing is found, or a list of images is broken.
  """
  files = _WITH_AUGMENTED if training == "trainaug" else _FILES
  root = files.require(raw)
  options = {"kind": "segmentation", "classes": list(voc_classes.CLASSES)}
  return RawDataset(
    name="voc",
    tasks={"segmentation": RawTask(options, voc_classes.read_classes)},
    splits=files.rows(root, {"train": training, "val": "val"}, on_problem),
    source={"layout": "VOC", "training": training},
    size=(512, 512),
  )
