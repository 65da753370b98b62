"""NYUD_MT: NYUv2 with 40 classes, depth, normals and edges, 480x640.

As distributed with ASTMT and MTI-Net, with its 795 and 654 images.
"""

import functools
from pathlib import Path

import numpy as np

from jtr_jax.data.datasets import image_files
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.data.datasets.listed_folders import ListedFolders
from jtr_jax.data.datasets.nyuv2_classes import CLASSES_40
from jtr_jax.data.datasets.raw import (
  IMAGE,
  OnProblem,
  RawDataset,
  RawTask,
  raise_error,
)

SPLITS = ("train", "val")
OBTAIN = (
  "Download NYUD_MT.tgz from "
  "https://data.vision.ee.ethz.ch/kmaninis/share/MTL/NYUD_MT.tgz"
)

_FILES = ListedFolders(
  "NYUD_MT",
  (".", "NYUD_MT"),
  "gt_sets",
  {
    IMAGE: (("images", ".jpg"),),
    "segmentation": (("segmentation", ".png"),),
    "depth": (("depth", ".npy"),),
    "normals": (("normals", ".npy"),),
    "edges": (("edge", ".npy"),),
  },
  OBTAIN,
)
# Stored classes are one larger, 0 being void; the first name is never used.
_STORED = FolderTask(
  "segmentation", "segmentation", ("void", *CLASSES_40), ignore=(0,)
)
_TASKS = {
  "depth": FolderTask("depth", "depth", invalid=0.0),
  "normals": FolderTask("normals", "normals"),
}


def is_here(raw: Path) -> bool:
  """Return whether this distribution is at a path."""
  return _FILES.find(raw) is not None


def scan(raw: Path, *, on_problem: OnProblem = raise_error) -> RawDataset:
  """Return the data set.

  Args:
    raw: the folder, or one that holds it as `NYUD_MT`.
    on_problem: called for every missing file.

  Returns:
    Splits "train" and "val" with the names of the files as ids, at their own
    size, 480x640, unless the user says otherwise.

  Raises:
    ValueError: nothing is found, or a list of images is broken.
  """
  root = _FILES.require(raw)
  classes = {"kind": "segmentation", "classes": list(CLASSES_40)}
  return RawDataset(
    name="nyud",
    tasks={
      "segmentation": RawTask(classes, _read_classes),
      **{
        name: RawTask(task.options, functools.partial(_read, task))
        for name, task in _TASKS.items()
      },
      "edges": RawTask({"kind": "edges"}, _read_edges),
    },
    splits=_FILES.rows(root, {s: s for s in SPLITS}, on_problem),
    source={"layout": "NYUD_MT"},
  )


def _read(task: FolderTask, path: Path) -> np.ndarray:
  return task.decode(image_files.read_label(path), path)


def _read_classes(path: Path) -> np.ndarray:
  ids = _read(_STORED, path).astype(np.int8)
  return np.where(ids > 0, ids - 1, -1).astype(np.int8)


def _read_edges(path: Path) -> np.ndarray:
  stored = image_files.read_label(path)
  stored = stored[..., None] if stored.ndim == 2 else stored
  return (stored > 0).astype(np.int8)
