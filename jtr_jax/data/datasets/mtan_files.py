"""The `.npy` files published with MTAN: numbered, one folder for each task.

`{train,val}/<folder>/{0,1,...}.npy`: images in [0, 1], class ids with -1 for
none, distances with 0 for none, normals with (0, 0, 0) for none; float64,
float32 or integers.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from jtr_jax.core import errors
from jtr_jax.data.datasets import listing
from jtr_jax.data.datasets.raw import IMAGE

SPLITS = ("train", "val")
_ROUNDING = 0.02  # of a grey level: what float16 or float32 may have left


def is_here(root: Path) -> bool:
  """Return whether such images exist at a path."""
  folders = (root / split / IMAGE for split in SPLITS)
  return any(listing.by_ending(folder, ".npy") for folder in folders)


def has(root: Path, *folders: str) -> bool:
  """Return whether one of these folders is in a split."""
  return any((root / s / name).is_dir() for s in SPLITS for name in folders)


@dataclasses.dataclass
class Images:
  """Reads images, and warns once if they are not made of 8-bit values."""

  warned: bool = False

  def __call__(self, path: Path) -> np.ndarray:
    """Return u8[H, W, 3] of a file with values in [0, 1], or u8."""
    image = _load(path, channels=3)
    if image.dtype == np.uint8:
      return image
    levels = 255 * image.astype(np.float64)
    # Written so that NaN is refused as well.
    if not np.all((levels > -0.5) & (levels < 255.5)):
      found = f"values from {image.min()} to {image.max()}"
      raise _broken(path, found, "0 to 1")
    rounded = np.round(levels)
    change = float(np.abs(levels - rounded).max())
    if change > _ROUNDING and not self.warned:
      self.warned = True
      logging.warning(
        "%s: the image does not consist of 8-bit values; storing it as such "
        "changes it by up to %.2f of a grey level.",
        path,
        change,
      )
    return rounded.astype(np.uint8)


def read_classes(path: Path, *, classes: int) -> np.ndarray:
  """Return int8[H, W], the class ids of a file, -1 for none."""
  values = _load(path)
  rounded = np.round(values)
  fits = (rounded >= -1) & (rounded < classes) & (abs(values - rounded) < 1e-3)
  if not np.all(fits):
    found = f"the class id {values[~fits].flat[0]}"
    raise _broken(path, found, f"-1 to {classes - 1}")
  return rounded.astype(np.int8)


def read_distance(path: Path) -> np.ndarray:
  """Return f32[H, W, 1], the positive numbers of a file, NaN for none."""
  values = _load(path, channels=1).astype(np.float32)
  if np.any(values < 0):
    found = f"a value of {np.nanmin(values)}"
    raise _broken(path, found, "distances, 0 for none")
  return np.where(np.isfinite(values) & (values > 0), values, np.float32("nan"))


def read_normals(path: Path) -> np.ndarray:
  """Return f16[H, W, 3], the vectors of a file as they are, NaN for none."""
  normals = _load(path, channels=3).astype(np.float32)
  if np.any(np.abs(normals) > 1.001):
    found = f"values from {np.nanmin(normals)} to {np.nanmax(normals)}"
    raise _broken(path, found, "components of vectors, -1 to 1")
  known = np.any(normals != 0, axis=-1, keepdims=True)
  known &= np.all(np.isfinite(normals), axis=-1, keepdims=True)
  return np.where(known, normals, np.nan).astype(np.float16)


def _load(path: Path, *, channels: int = 0) -> np.ndarray:
  """Return an array [H, W] (no channels) or [H, W, channels] of a file."""
  try:
    array: np.ndarray = np.load(path, allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    raise _broken(path, error, "a complete .npy file of numbers") from error
  if channels == 1 and array.ndim == 2:
    array = array[..., None]
  tail = [channels] if channels else []
  if array.ndim != 2 + len(tail) or list(array.shape[2:]) != tail:
    expected = "[H, W" + "".join(f", {c}" for c in tail) + "]"
    raise _broken(path, f"shape {list(array.shape)}", f"shape {expected}")
  return array


def _broken(path: Path, found: Any, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a file as published with MTAN",
      found=found,
      expected=expected,
      do="Download it again.",
    )
  )
