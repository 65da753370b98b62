"""NYUv2 as preprocessed for MTAN: folders of numbered `.npy` files.

`{train,val}/{image,label,depth,normal}/{0,1,...}.npy`: images in [0, 1], class
ids with -1 for none, depth in metres with 0 for none, normals with (0, 0, 0)
for none; float64, float32 or integers. The normals keep the frame and the
length that they have in the files.
"""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from absl import logging

from jtr_jax.core import errors
from jtr_jax.data.datasets import resample
from jtr_jax.data.datasets.raw import RawDataset, RawExample

SPLITS = ("train", "val")
FOLDERS: Mapping[str, str] = {
  "image": "image",
  "segmentation": "label",
  "depth": "depth",
  "normals": "normal",
}
_CLASSES = 13
_ROUNDING = 0.02  # of a grey level: what float16 or float32 may have left
_SHOWN = 5  # how many file names an error message lists


def read(
  root: pathlib.Path,
  *,
  size: tuple[int, int] | None,
  tasks: dict[str, dict[str, Any]],
) -> RawDataset:
  """Return the data set in the folders `train` and `val` of `root`.

  Args:
    root: the folder.
    size: height and width to resize to; None keeps that of the files.
    tasks: descriptions of the tasks.

  Returns:
    Examples in numeric order with the file stems as ids.

  Raises:
    ValueError: a file is missing, or (while reading) broken.
  """
  counts = {split: _count(root / split) for split in SPLITS}
  own = _load(root / SPLITS[0] / FOLDERS["image"] / "0.npy", channels=3).shape
  own_size = (own[0], own[1])
  return RawDataset(
    name="nyuv2",
    size=size or own_size,
    tasks=tasks,
    counts=counts,
    splits={
      split: _examples(root / split, count, own_size, size or own_size)
      for split, count in counts.items()
    },
    source={
      "layout": "mtan",
      "normals": "as in the files",
      "size_of_files": list(own_size),
    },
  )


def _count(folder: pathlib.Path) -> int:
  """Return N if every folder holds exactly 0.npy to N-1.npy."""
  stems = {
    name: {path.stem for path in (folder / name).glob("[!.]*.npy")}
    for name in FOLDERS.values()
  }
  names = set().union(*stems.values())
  expected = {str(number) for number in range(len(names))}
  missing = [
    f"{name}/{stem}.npy"
    for name in stems
    for stem in sorted(expected - stems[name], key=int)
  ]
  odd = sorted(names - expected)
  if missing or not names:
    raise ValueError(
      errors.message(
        f"{folder}: files of NYUv2 are missing",
        found=f"{len(names)} different names ({len(odd)} odd: "
        f"{', '.join(odd[:_SHOWN])}) and {len(missing)} missing files "
        f"({', '.join(missing[:_SHOWN])})",
        expected="0.npy, 1.npy, ... without a gap in each of "
        f"{', '.join(FOLDERS.values())}",
        do="Download the folders again: rows of the released label splits are "
        "these numbers, so they must be complete.",
      )
    )
  return len(names)


def _examples(
  folder: pathlib.Path,
  count: int,
  own_size: tuple[int, int],
  size: tuple[int, int],
) -> Iterator[RawExample]:
  rows = resample.nearest(own_size[0], size[0])[:, None]
  columns = resample.nearest(own_size[1], size[1])
  coarsest = _ROUNDING
  for number in range(count):
    paths = {key: folder / n / f"{number}.npy" for key, n in FOLDERS.items()}
    image, rounding = _read_image(paths["image"], own_size)
    if rounding > coarsest:
      coarsest = 1.0
      logging.warning(
        "%s: the image does not consist of 8-bit values; storing it as such "
        "changes it by up to %.2f of a grey level.",
        paths["image"],
        rounding,
      )
    example: dict[str, np.ndarray | None] = {
      "image": resample.resize_image(image, size),
      "segmentation": _read_classes(paths["segmentation"], own_size)[
        rows, columns
      ],
      "depth": _read_depth(paths["depth"], own_size)[rows, columns],
      "normals": _read_normals(paths["normals"], own_size)[rows, columns],
    }
    yield str(number), example


def _read_image(
  path: pathlib.Path, size: tuple[int, int]
) -> tuple[np.ndarray, float]:
  """Return u8[H, W, 3] and the largest change by rounding, in grey levels."""
  image = _load(path, channels=3, size=size)
  if image.dtype == np.uint8:
    return image, 0.0
  levels = 255 * image.astype(np.float64)
  # Written so that NaN is refused as well.
  if not np.all((levels > -0.5) & (levels < 255.5)):
    raise _broken(path, f"values from {image.min()} to {image.max()}", "0 to 1")
  rounded = np.round(levels)
  return rounded.astype(np.uint8), float(np.abs(levels - rounded).max())


def _read_classes(path: pathlib.Path, size: tuple[int, int]) -> np.ndarray:
  values = _load(path, size=size)
  rounded = np.round(values)
  inside = (rounded >= -1) & (rounded < _CLASSES)
  if not np.all(inside & (np.abs(values - rounded) < 1e-3)):
    odd = values[~(inside & (np.abs(values - rounded) < 1e-3))].flat[0]
    raise _broken(path, f"the class id {odd}", f"-1 to {_CLASSES - 1}")
  return rounded.astype(np.int8)


def _read_depth(path: pathlib.Path, size: tuple[int, int]) -> np.ndarray:
  depth = _load(path, channels=1, size=size).astype(np.float32)
  if np.any(depth < 0):
    raise _broken(path, f"a depth of {np.nanmin(depth)}", "metres, 0 for none")
  return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(np.nan))


def _read_normals(path: pathlib.Path, size: tuple[int, int]) -> np.ndarray:
  normals = _load(path, channels=3, size=size).astype(np.float32)
  if np.any(np.abs(normals) > 1.001):
    found = f"values from {np.nanmin(normals)} to {np.nanmax(normals)}"
    raise _broken(path, found, "components of vectors, -1 to 1")
  known = np.any(normals != 0, axis=-1, keepdims=True)
  known &= np.all(np.isfinite(normals), axis=-1, keepdims=True)
  return np.where(known, normals, np.nan).astype(np.float16)


def _load(
  path: pathlib.Path,
  *,
  channels: int = 0,
  size: tuple[int, int] | None = None,
) -> np.ndarray:
  """Return an array [H, W] (no channels) or [H, W, channels] of a file."""
  try:
    array = np.load(path, allow_pickle=False)
  except (ValueError, EOFError) as error:
    raise _broken(path, error, "a complete .npy file of numbers") from error
  if channels == 1 and array.ndim == 2:
    array = array[..., None]
  tail = [channels] if channels else []
  start = list(size or array.shape[:2])
  if list(array.shape) != start + tail or len(start) != 2:
    raise _broken(path, f"shape {list(array.shape)}", f"shape {start + tail}")
  return array


def _broken(path: pathlib.Path, found: object, expected: object) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a file of the preprocessed NYUv2",
      found=found,
      expected=expected,
      do="Download it again.",
    )
  )
