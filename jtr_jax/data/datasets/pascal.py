"""PASCAL-Context, five tasks: classes, parts, normals, saliency, edges.

As distributed with ASTMT and MTI-Net (`PASCAL_MT`), with its 4,998 and 5,105
images.
"""

from pathlib import Path

from jtr_jax.data.datasets import listing, pascal_files, voc_classes
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

_FILES = {  # folder, and ending of the names
  IMAGE: ("JPEGImages", ".jpg"),
  "human_parts": ("human_parts", ".mat"),
  "normals": ("normals_distill", ".png"),
  "saliency": ("sal_distill", ".png"),
  "edges": ("pascal-context/trainval", ".mat"),
}
_SEGMENTATIONS = ("semseg/VOC12", "semseg/pascal-context")  # the first counts


def is_here(raw: Path) -> bool:
  """Return whether this distribution lies at a path."""
  return _root(raw) is not None


def scan(raw: Path, *, on_problem: OnProblem = raise_error) -> RawDataset:
  """Return the data set; images have their VOC names as ids.

  Args:
    raw: the folder, or one that holds it as `PASCAL_MT`.
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
      "PASCAL-Context",
      raw,
      ("{JPEGImages,human_parts,...}/ID.* and ImageSets/Context/train.txt",),
      OBTAIN + ".",
    )
  files = {
    key: listing.by_ending(root / folder, ending)
    for key, (folder, ending) in _FILES.items()
  }
  files["segmentation"] = {}
  for folder in reversed(_SEGMENTATIONS):
    files["segmentation"] |= listing.by_ending(root / folder, ".png")

  def path_of(key: str, identifier: str) -> Path:
    folder, ending = _FILES.get(key, (_SEGMENTATIONS[0], ".png"))
    return root / folder / (identifier + ending)

  return RawDataset(
    name="pascal",
    tasks=_tasks(),
    splits={
      split: [
        _with_classes(row)
        for row in listing.listed_rows(
          listing.read_ids(root / "ImageSets/Context" / f"{split}.txt"),
          files,
          expected=path_of,
          on_problem=on_problem,
        )
      ]
      for split in SPLITS
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


def _root(raw: Path) -> Path | None:
  """Return the folder of the distribution, at a path or in its subfolder."""
  folders = (raw, raw / "PASCAL_MT")
  return next((f for f in folders if (f / "ImageSets/Context").is_dir()), None)
