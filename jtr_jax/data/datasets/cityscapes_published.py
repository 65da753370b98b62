"""Cityscapes as preprocessed for other papers: numbered files."""

from pathlib import Path

from jtr_jax.data.datasets import cityscapes_files, listing, mtan_files
from jtr_jax.data.datasets.cityscapes_tasks import (
  DISTANCES,
  SPLITS,
  Classes,
  Distance,
  distance_task,
  parts,
  segmentation,
)
from jtr_jax.data.datasets.raw import IMAGE, OnProblem, RawDataset, RawTask


def is_mtan(root: Path) -> bool:
  """Return whether the files published with MTAN exist at a path.

  LibMTL has them with `label_7` or `label_19` renamed to `label`.
  """
  own = mtan_files.has(root, "label_7", "label_19")
  nyuv2 = mtan_files.has(root, "normal")
  renamed = mtan_files.has(root, "label") and not nyuv2
  return mtan_files.is_here(root) and (own or renamed)


def scan_mtan(
  root: Path, classes: Classes, on_problem: OnProblem
) -> RawDataset:
  """Return MTAN's two tasks, with the numbers of the files as ids."""
  own = f"label_{classes}"
  folder = own if mtan_files.has(root, own) else "label"
  files = {
    IMAGE: "image/*.npy",
    "segmentation": f"{folder}/*.npy",
    "depth": "depth/*.npy",
  }
  return RawDataset(
    name="cityscapes",
    tasks={
      "segmentation": segmentation(classes, mtan_files.read_classes),
      "depth": RawTask(DISTANCES["mtan"].options, mtan_files.read_distance),
    },
    splits={
      split: listing.numbered_rows(root / split, files, on_problem)
      for split in SPLITS
    },
    source={"layout": "mtan", "labels": folder},
    read_image=mtan_files.Images(),
  )


def is_auto_lambda(root: Path) -> bool:
  """Return whether what the released Auto-lambda code writes is at a path."""
  return mtan_files.has(root, "seg")


def scan_auto_lambda(
  root: Path, classes: Classes, distance: Distance, on_problem: OnProblem
) -> RawDataset:
  """Return Auto-lambda's three tasks, with the numbers of the files as ids."""
  name = DISTANCES[distance].name
  return RawDataset(
    name="cityscapes",
    tasks={
      "segmentation": segmentation(classes, cityscapes_files.read_classes),
      "part_segmentation": parts(),
      name: distance_task(distance),
    },
    splits={
      split: listing.numbered_rows(
        root / split,
        {
          IMAGE: "image/*.png",
          "segmentation": "seg/*.png",
          "part_segmentation": _parts_pattern(root / split),
          name: "depth/*.png",
        },
        on_problem,
      )
      for split in SPLITS
    },
    source={"layout": "auto_lambda", "distance": distance},
  )


def _parts_pattern(folder: Path) -> str:
  """Return where the parts are; the released script forgets a slash."""
  beside = any(folder.glob("part_seg*.tif"))
  return "part_seg*.tif" if beside else "part_seg/*.tif"
