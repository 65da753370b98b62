"""Reads one image or label file; errors name the file and the fault."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from jtr_jax.core import errors

SUFFIXES = (".png", ".jpg", ".jpeg", ".npy", ".tif", ".tiff")

_EXIF_ORIENTATION = 0x0112
_PNG_BIT_DEPTH = slice(24, 26)  # bytes of bit depth and colour type in a PNG
_PNG_GREY = 0
_UNREADABLE = (
  UnidentifiedImageError,
  OSError,
  EOFError,
  SyntaxError,  # what Pillow raises for a broken PNG
  ValueError,  # what numpy raises for a broken npy
  struct.error,
  Image.DecompressionBombError,
)


def file_size(path: Path) -> tuple[int, int]:
  """Return (H, W) of an image or label file, from its header alone."""
  try:
    if path.suffix.lower() == ".npy":
      values = np.load(path, mmap_mode="r", allow_pickle=False)
      height, width = values.shape[:2]
    else:
      with Image.open(path) as picture:
        width, height = picture.size
  except _UNREADABLE as e:
    raise _unreadable(path, e) from e
  return height, width


def read_image(path: Path, *, upright: bool = False) -> np.ndarray:
  """Return u8[H, W, 3] of an image file.

  Grey images get three equal channels, transparency is dropped, 16 bits become
  8. An npy file holds u8, u16 or floats in [0, 1].

  Args:
    path: the file.
    upright: turn an image as its EXIF orientation says. Without it such a file
      is refused, for its labels may be turned or not.

  Raises:
    ValueError: naming the file, if it cannot be read as an image.
  """
  values = _load(path, as_image=True, upright=upright)
  if values.ndim == 2:
    values = np.repeat(values[..., None], 3, axis=-1)
  if values.ndim != 3 or values.shape[-1] != 3:
    raise _unusable(
      path, f"an array {list(values.shape)}", "[H, W, 3] or [H, W]"
    )
  if values.dtype == np.uint8:
    return values
  if values.dtype == np.uint16:
    return np.round(values / 257).astype(np.uint8)
  if values.dtype.kind != "f":
    raise _unusable(
      path, f"{values.dtype} pixels", "u8, u16 or floats in [0, 1]"
    )
  low, high = float(np.min(values)), float(np.max(values))
  if not (low >= 0 and high <= 1):
    raise _unusable(
      path, f"floats from {low:g} to {high:g}", "floats in [0, 1]"
    )
  return np.round(values * 255).astype(np.uint8)


def read_label(path: Path, *, keep_truth: bool = False) -> np.ndarray:
  """Return [H, W] or [H, W, C] of a label file, with the numbers it holds.

  A palette image gives its indices, a 16-bit grey PNG its u16 values.

  Args:
    path: the file.
    keep_truth: leave truth values as they are, for those who refuse them;
      otherwise they become 0 and 1.

  Raises:
    ValueError: naming the file, if it cannot be read as a label.
  """
  if path.suffix.lower() == ".png":
    _refuse_deep_colour(path)
  values = _load(path, as_image=False)
  if values.dtype == np.bool_ and not keep_truth:
    values = values.astype(np.uint8)
  if values.dtype.kind not in "biuf" or values.ndim not in (2, 3):
    found = f"{values.dtype}{list(values.shape)}"
    raise _unusable(path, found, "numbers [H, W] or [H, W, C]")
  return values


def _load(path: Path, *, as_image: bool, upright: bool = False) -> np.ndarray:
  try:
    if path.suffix.lower() == ".npy":
      # A header may claim more than there is; a map of the file finds out.
      return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    with Image.open(path) as opened:
      opened.load()
  except _UNREADABLE as e:
    raise _unreadable(path, e) from e
  picture: Image.Image = opened
  if as_image and upright:
    picture = ImageOps.exif_transpose(picture)
  if as_image:
    if picture.getexif().get(_EXIF_ORIENTATION, 1) != 1:
      raise _unusable(
        path, "an EXIF orientation that turns the image", "upright pixels"
      )
    if not picture.mode.startswith(("I", "F")):
      picture = picture.convert("RGB")
  elif picture.mode in ("LA", "RGBA"):
    picture = picture.convert(picture.mode[:-1])
  return np.asarray(picture)


def _refuse_deep_colour(path: Path) -> None:
  """Refuse 16-bit colours, of which Pillow would silently keep 8 bits."""
  with path.open("rb") as file:
    depth, colour = file.read(26)[_PNG_BIT_DEPTH] or (8, _PNG_GREY)
  if depth == 16 and colour != _PNG_GREY:
    raise _unusable(
      path, "a PNG with 16 bits a colour", "16 bits grey, 8 bits, or npy"
    )


def _unusable(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is in a form that cannot be used",
      found=found,
      expected=expected,
      do="Convert this file.",
    )
  )


def _unreadable(path: Path, error: BaseException) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} cannot be read",
      found=f"{type(error).__name__}: {error}",
      expected="a complete " + ", ".join(s[1:] for s in SUFFIXES) + " file",
      do="Replace this file, or delete a label file to leave its image "
      "without this label.",
    )
  )
