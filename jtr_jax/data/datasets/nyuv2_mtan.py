"""NYUv2 as preprocessed for MTAN: 13 classes, depth in metres, normals.

The normals keep the frame and the length that they have in the files.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

from jtr_jax.data.datasets import listing, mtan_files
from jtr_jax.data.datasets.nyuv2_classes import CLASSES_13
from jtr_jax.data.datasets.raw import (
  IMAGE,
  OnProblem,
  RawDataset,
  RawTask,
  raise_error,
)

FILES: Mapping[str, str] = {
  IMAGE: "image/*.npy",
  "segmentation": "label/*.npy",
  "depth": "depth/*.npy",
  "normals": "normal/*.npy",
}


def scan(root: Path, *, on_problem: OnProblem = raise_error) -> RawDataset:
  """Return the data set in the folders `train` and `val` of `root`.

  Args:
    root: the folder.
    on_problem: called if a file is missing.

  Returns:
    Images in numeric order with the file stems as ids.
  """
  classes = {"kind": "segmentation", "classes": list(CLASSES_13)}
  return RawDataset(
    name="nyuv2",
    tasks={
      "segmentation": RawTask(
        classes, functools.partial(mtan_files.read_classes, classes=13)
      ),
      "depth": RawTask({"kind": "depth"}, mtan_files.read_distance),
      "normals": RawTask({"kind": "normals"}, mtan_files.read_normals),
    },
    splits={
      split: listing.numbered_rows(root / split, FILES, on_problem)
      for split in mtan_files.SPLITS
    },
    source={"layout": "mtan", "normals": "as in the files"},
    read_image=mtan_files.Images(),
  )
