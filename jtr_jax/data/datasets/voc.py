"""PASCAL VOC segmentation, with or without the augmented training set.

Beside prepared depth of NYUv2 this is the partly labelled mixture of the AMTL
paper, without its boxes.
"""

from pathlib import Path
from typing import Literal, TypeAlias

from jtr_jax.data.datasets import listing, voc_classes
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

_LISTS = "ImageSets/Segmentation"
_PLAIN, _AUGMENTED = "SegmentationClass", "SegmentationClassAug"


def is_here(raw: Path) -> bool:
  """Return whether the unpacked files of one year lie at a path."""
  return _root(raw) is not None


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
    on_problem: told of every missing file.

  Returns:
    Splits "train" and "val", prepared at 512x512 unless the user says
    otherwise.

  Raises:
    ValueError: nothing is found, or a list of images is broken.
  """
  root = _root(raw)
  if root is None:
    raise listing.not_found(
      "PASCAL VOC",
      raw,
      (f"{{JPEGImages,{_PLAIN}}}/ID.* and {_LISTS}/train.txt",),
      OBTAIN + ".",
    )
  plain = listing.by_ending(root / _PLAIN, ".png")
  augmented = listing.by_ending(root / _AUGMENTED, ".png")
  files = {
    IMAGE: listing.by_ending(root / "JPEGImages", ".jpg"),
    "segmentation": augmented | plain if training == "trainaug" else plain,
  }

  def path_of(key: str, identifier: str) -> Path:
    folder = _AUGMENTED if training == "trainaug" else _PLAIN
    if key == IMAGE:
      return root / "JPEGImages" / f"{identifier}.jpg"
    return root / folder / f"{identifier}.png"

  options = {"kind": "segmentation", "classes": list(voc_classes.CLASSES)}
  return RawDataset(
    name="voc",
    tasks={"segmentation": RawTask(options, voc_classes.read_classes)},
    splits={
      split: listing.listed_rows(
        listing.read_ids(root / _LISTS / f"{name}.txt"),
        files,
        expected=path_of,
        on_problem=on_problem,
      )
      for split, name in (("train", training), ("val", "val"))
    },
    source={"layout": "VOC", "training": training},
    size=(512, 512),
  )


def _root(raw: Path) -> Path | None:
  folders = (raw, raw / "VOC2012", raw / "VOCdevkit" / "VOC2012")
  return next((f for f in folders if (f / _LISTS).is_dir()), None)
