"""Reads the label files of Cityscapes; errors name the file and the fault."""

import json
from pathlib import Path

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files
from jtr_jax.data.datasets.cityscapes_classes import (
  LAST_RAW_ID,
  class_table,
  part_table,
)

_PER_PIXEL = 256  # steps of a stored disparity in a pixel of 2048 columns
_COARSER = 4  # 2048 columns over 512
_WHITE = 65535  # what image readers divide 16 bits by


def read_classes(path: Path, *, classes: int) -> np.ndarray:
  """Return int8[H, W], 19 or 7 classes from raw label ids, -1 for none."""
  ids = _grey(path)
  if ids.min() < 0 or ids.max() > LAST_RAW_ID:
    found = f"ids {ids.min()} to {ids.max()}"
    raise _broken(path, found, f"raw label ids 0 to {LAST_RAW_ID} (labelIds)")
  return class_table(classes)[ids]


def read_parts(path: Path) -> np.ndarray:
  """Return int8[H, W], the part classes of a panoptic parts file.

  A pixel holds a raw id, raw id * 1000 + instance, or raw id * 100000 +
  instance * 100 + part.
  """
  uids = _grey(path).astype(np.int64)
  long, middle = uids >= 100_000, uids >= 1000
  raw = np.where(long, uids // 100_000, np.where(middle, uids // 1000, uids))
  if uids.min() < 0 or raw.max() > LAST_RAW_ID:
    found = f"uids {uids.min()} to {uids.max()}"
    raise _broken(path, found, f"uids of raw ids 0 to {LAST_RAW_ID}")
  return part_table()[100 * raw + np.where(long, uids % 100, 0)]


def read_fraction(path: Path) -> np.ndarray:
  """Return f32[H, W, 1]: stored disparity / 65535, NaN for none (MTAN)."""
  stored = _disparity(path)
  return _where_known(stored, stored / np.float32(_WHITE))


def read_pixels(path: Path) -> np.ndarray:
  """Return f32[H, W, 1]: disparity in pixels of 512 columns, NaN for none."""
  stored = _disparity(path)
  return _where_known(stored, (stored - 1) / (_PER_PIXEL * _COARSER))


def read_metres(paths: tuple[Path, Path]) -> np.ndarray:
  """Return f32[H, W, 1]: baseline * fx / disparity, NaN for none.

  Args:
    paths: of the disparity and of the camera.
  """
  stored = _disparity(paths[0])
  try:
    camera = json.loads(paths[1].read_text(encoding="utf-8"))
    focal = float(camera["intrinsic"]["fx"])
    scale = focal * float(camera["extrinsic"]["baseline"])
  except (OSError, ValueError, KeyError, TypeError) as error:
    found = f"{type(error).__name__}: {error}"
    expected = "JSON with intrinsic.fx and extrinsic.baseline"
    raise _broken(paths[1], found, expected) from error
  pixels = (stored - 1) / _PER_PIXEL
  near = stored > 1  # a disparity of 0 is infinitely far
  metres = np.float32(scale) / np.where(near, pixels, 1)
  return np.where(near, metres, np.float32(np.nan))


def _disparity(path: Path) -> np.ndarray:
  stored = _grey(path)
  if stored.dtype == np.uint8:
    raise _broken(path, "8 bits a pixel", "a disparity of 16 bits")
  return stored.astype(np.float32)[..., None]


def _where_known(stored: np.ndarray, value: np.ndarray) -> np.ndarray:
  return np.where(stored > 0, value, np.float32(np.nan)).astype(np.float32)


def _grey(path: Path) -> np.ndarray:
  values = image_files.read_label(path)
  if values.ndim != 2 or values.dtype.kind not in "iu":
    found = f"{values.dtype}{list(values.shape)}"
    raise _broken(path, found, "whole numbers [H, W]")
  return values


def _broken(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a label file of Cityscapes",
      found=found,
      expected=expected,
      do="Download and unpack it again.",
    )
  )
