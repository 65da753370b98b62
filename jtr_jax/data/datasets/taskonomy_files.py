"""The domains of Taskonomy that the papers use: units, holes and file names.

Source of scales and masks: Standley et al. 2020, released
`taskonomy_loader.py`: 16-bit values are divided by what it takes for their
standard deviation, and depth, normals, occlusion edges and reshading count
where the depth is below 2^13.
Deviations: nothing is subtracted (an absolute loss does not notice), depth is
in metres (theirs: 1000/512 m), normals have unit length, and no label is
interpolated.
"""

import functools
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files, listing
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.data.datasets.raw import IMAGE
from jtr_jax.data.records.stored_form import TaskOptions

OBJECTS = (
  "background",
  "bottle",
  "chair",
  "couch",
  "potted plant",
  "bed",
  "dining table",
  "toilet",
  "tv",
  "microwave",
  "oven",
  "toaster",
  "sink",
  "refrigerator",
  "book",
  "clock",
  "vase",
)
"""Stored ids are one larger; 0 is uncertain."""

Place: TypeAlias = Path | tuple[Path, Path]
"""A label file, or that and the depth that masks it."""

_FARTHEST = 1 << 13  # stored depth; 16 m
_PER_METRE = 512
_NORMALS = FolderTask("normals", "normals")
_VIEW = re.compile(r"point_\d+_view_\d+")


class Domain(NamedTuple):
  """One domain.

  Attributes:
    folder: its name.
    options: entry of its task in the manifest.
    read: decodes a file.
    masked: whether labels count only where there is depth.
  """

  folder: str
  options: TaskOptions
  read: Callable[[Any], np.ndarray]
  masked: bool = False


def views(folder: Path, key: str) -> dict[str, Path]:
  """Return the files of one domain of a building by view, "point_1_view_2"."""
  ending = _ending(key)
  found = listing.by_ending(folder, ending)
  if not found:  # Standley et al. leave the domain out of the names
    found = listing.by_ending(folder, ".png")
  return {view: path for view, path in found.items() if _VIEW.fullmatch(view)}


def expected(folder: Path, key: str, view: str) -> Path:
  """Return the file that one view should have."""
  plain = folder / f"{view}.png"
  return (
    plain
    if any(folder.glob("*_view_[0-9].png"))
    else (folder / (view + _ending(key)))
  )


def read_classes(path: Path) -> np.ndarray:
  """Return int8[H, W], objects with -1 for uncertain."""
  ids = _stored(path, np.uint8).astype(np.int64) - 1
  if ids.max() >= len(OBJECTS):
    found = f"ids up to {ids.max() + 1}"
    raise _broken(path, found, f"ids 0 to {len(OBJECTS)}")
  return ids.astype(np.int8)


def read_depth(place: Place) -> np.ndarray:
  """Return metres f32[H, W, 1], NaN where there is none within 16 m."""
  path, _ = _split(place)
  stored = _stored(path, np.uint16)
  metres = stored.astype(np.float32) / _PER_METRE
  return _masked(metres[..., None], (path, path))


def read_normals(place: Place) -> np.ndarray:
  """Return unit vectors f16[H, W, 3]: x right, y down, z forward."""
  path, _ = _split(place)
  stored = image_files.read_label(path)
  return _masked(_NORMALS.decode(stored, path), place)


def read_grey_of_colours(place: Place, *, scale: float) -> np.ndarray:
  """Return f16[H, W, 1]: the mean of the colours / 255 / scale."""
  path, _ = _split(place)
  stored = image_files.read_label(path)
  if stored.dtype != np.uint8:
    raise _broken(path, f"{stored.dtype} values", "8 bits a colour")
  grey = stored.reshape(*stored.shape[:2], -1).mean(axis=-1, dtype=np.float32)
  values = (grey / (255 * scale)).astype(np.float16)
  return _masked(values[..., None], place)


def read_values(place: Place, *, scale: float) -> np.ndarray:
  """Return f16[H, W, 1]: 16-bit values / scale."""
  path, _ = _split(place)
  values = (_stored(path, np.uint16) / scale).astype(np.float16)
  return _masked(values[..., None], place)


def _split(place: Place) -> tuple[Path, Path | None]:
  return place if isinstance(place, tuple) else (place, None)


def _masked(label: np.ndarray, place: Place) -> np.ndarray:
  """Return the label with NaN where its depth file has no depth."""
  _, depth = _split(place)
  if depth is None:
    return label
  changed = os.stat(depth).st_mtime_ns
  near = _near(depth, changed)
  if near.shape != label.shape[:2]:
    return label  # its own size is wrong, which is found out elsewhere
  return np.where(near[..., None], label, np.array(np.nan, label.dtype))


@functools.lru_cache(maxsize=2)
def _near(path: Path, changed: int) -> np.ndarray:
  """Return bool[H, W]: there is a depth, and not too far; read once a view."""
  del changed  # a key of the cache
  return _stored(path, np.uint16) < _FARTHEST


def _stored(path: Path, dtype: type[np.generic]) -> np.ndarray:
  stored = image_files.read_label(path)
  if stored.ndim != 2 or stored.dtype != dtype:
    found = f"{stored.dtype}{list(stored.shape)}"
    raise _broken(path, found, f"{np.dtype(dtype)}[H, W]")
  return stored


def _ending(key: str) -> str:
  name = DOMAINS[key].folder
  # The only domain whose files are not named like their folder.
  return f"_domain_{name.replace('segment_semantic', 'segmentsemantic')}.png"


def _broken(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a file of this domain of Taskonomy",
      found=found,
      expected=expected,
      do="Download it again, and do not convert it.",
    )
  )


def _regression(high: float) -> TaskOptions:
  return {"kind": "regression", "picture_range": [0.0, high]}


DOMAINS: Mapping[str, Domain] = {
  IMAGE: Domain("rgb", {}, image_files.read_image),
  "segmentation": Domain(
    "segment_semantic",
    {"kind": "segmentation", "classes": list(OBJECTS)},
    read_classes,
  ),
  "depth": Domain("depth_zbuffer", {"kind": "depth"}, read_depth, True),
  "normals": Domain("normal", {"kind": "normals"}, read_normals, True),
  "edge_occlusion": Domain(
    "edge_occlusion",
    _regression(8.0),
    functools.partial(read_values, scale=239.1265),
    True,
  ),
  "reshading": Domain(
    "reshading",
    _regression(3.5),
    functools.partial(read_grey_of_colours, scale=0.2846),
    True,
  ),
  "keypoints2d": Domain(
    "keypoints2d",
    _regression(6.0),
    functools.partial(read_values, scale=100.0),
  ),
  "edge_texture": Domain(
    "edge_texture",
    _regression(6.0),
    functools.partial(read_values, scale=1070.0),
  ),
}
"""In the order of the paper's tables."""
