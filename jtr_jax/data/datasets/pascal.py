"""PASCAL-Context, five tasks: classes, parts, normals, saliency, edges.

As distributed with ASTMT and MTI-Net (`PASCAL_MT`), with its 4,998 and 5,105
images.
"""

from pathlib import Path

from jtr_jax.data.datasets import pascal_files, voc_classes
from jtr_jax.data.datasets.listed_folders import ListedFolders
from jtr_jax.data.datasets.raw import (
  IMAGE,
  OnProblem,
  RawDataset,
  RawTask,
  Row,
  raise_error,
)

SPLITS = ("train", "val")
OBTAIN = (
  "Download PASCAL_MT.tgz from "
  "https://data.vision.ee.ethz.ch/kmaninis/share/MTL/PASCAL_MT.tgz"
)

_FILES = ListedFolders(
  "PASCAL-Context",
  (".", "PASCAL_MT"),
  "ImageSets/Context",
  {
    IMAGE: (("JPEGImages", ".jpg"),),
    "human_parts": (("human_parts", ".mat"),),
    "normals": (("normals_distill", ".png"),),
    "saliency": (("sal_distill", ".png"),),
    "edges": (("pascal-context/trainval", ".mat"),),
    "segmentation": (
      ("semseg/VOC12", ".png"),
      ("semseg/pascal-context", ".png"),
    ),
  },
  OBTAIN,
)


def is_here(raw: Path) -> bool:
  """Return whether this distribution is at a path."""
  return _FILES.find(raw) is not None


def scan(raw: Path, *, on_problem: OnProblem = raise_error) -> RawDataset:
  """Return the data set; images have their VOC names as ids.

  Args:
    raw: the folder, or one that holds it as `PASCAL_MT`.
    on_problem: called for every missing file.

  Returns:
    Splits "train" and "val", prepared at 512x512 unless the user says
    otherwise.

  Raises:
    ValueError: nothing is found, or a list of images is broken.
  """
  root = _FILES.require(raw)
  splits = _FILES.rows(root, {s: s for s in SPLITS}, on_problem)
  return RawDataset(
    name="pascal",
    tasks=_tasks(),
    splits={
      split: [_with_classes(row) for row in rows]
      for split, rows in splits.items()
    },
    source={"layout": "PASCAL_MT"},
    size=(512, 512),
  )


def _tasks() -> dict[str, RawTask]:
  classes = {"kind": "segmentation", "classes": list(voc_classes.CLASSES)}
  parts = {"kind": "human_parts", "classes": list(pascal_files.PARTS)}
  return {
    "segmentation": RawTask(classes, voc_classes.read_classes),
    "human_parts": RawTask(parts, pascal_files.read_human_parts),
    "normals": RawTask({"kind": "normals"}, pascal_files.read_normals),
    "saliency": RawTask({"kind": "saliency"}, pascal_files.read_saliency),
    "edges": RawTask({"kind": "edges"}, pascal_files.read_edges),
  }


def _with_classes(row: Row) -> Row:
  """Return the row with the label map, which says where normals count."""
  labels = dict(row.labels)
  if "normals" in labels and "edges" in labels:
    labels["normals"] = (labels["normals"], labels["edges"])
  else:
    labels.pop("normals", None)
  return row._replace(labels=labels)
