"""The tasks of Cityscapes: how they are named, described and read."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from jtr_jax.data.datasets import cityscapes_files
from jtr_jax.data.datasets.cityscapes_classes import (
  CLASSES_7,
  CLASSES_19,
  PARTS,
)
from jtr_jax.data.datasets.raw import RawTask
from jtr_jax.data.records.stored_form import TaskOptions

SPLITS = ("train", "val")  # the labels of the test images are hidden

Classes: TypeAlias = Literal[19, 7]
Distance: TypeAlias = Literal["mtan", "disparity", "depth"]
"""The task of the disparity files: `depth` as MTAN has it (stored disparity /
65535), `disparity` in pixels of 512 columns (Auto-lambda), or `depth` in
metres."""


class DistanceTask(NamedTuple):
  """The task of one `Distance`.

  Attributes:
    name: of the task.
    options: its entry in the manifest.
    read: decodes the file of the disparity.
  """

  name: str
  options: TaskOptions
  read: Callable[[Any], np.ndarray]


# Scales of the joint encoding: round numbers, the same distance in each unit.
DISTANCES: Mapping[Distance, DistanceTask] = {
  "mtan": DistanceTask(
    "depth", {"kind": "inverse_depth"}, cityscapes_files.read_fraction
  ),
  "disparity": DistanceTask(
    "disparity",
    {
      "kind": "inverse_depth",
      "unit": "px",
      "joint_mean": 6.4,
      "joint_std": 6.4,
      "picture_range": [0.0, 32.0],
    },
    cityscapes_files.read_pixels,
  ),
  "depth": DistanceTask(
    "depth",
    {
      "kind": "depth",
      "unit": "m",
      "joint_mean": 20.0,
      "joint_std": 20.0,
      "picture_range": [0.0, 80.0],
    },
    cityscapes_files.read_metres,
  ),
}


def segmentation(classes: Classes, read: Callable[..., np.ndarray]) -> RawTask:
  """Return the task of 19 or 7 classes; `read` takes their number."""
  names = CLASSES_19 if classes == 19 else CLASSES_7
  options: TaskOptions = {"kind": "segmentation", "classes": list(names)}
  return RawTask(options, functools.partial(read, classes=classes))


def parts() -> RawTask:
  """Return the task of the ten part classes."""
  options: TaskOptions = {"kind": "segmentation", "classes": list(PARTS)}
  return RawTask(options, cityscapes_files.read_parts)


def distance_task(distance: Distance) -> RawTask:
  """Return the task of the disparity files."""
  _, options, read = DISTANCES[distance]
  return RawTask(options, read)
