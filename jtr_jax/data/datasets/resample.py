"""Images and labels at another size, on the host."""

from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

Size: TypeAlias = tuple[int, int]
"""Height and width, pixels."""

Fit: TypeAlias = Literal["stretch", "pad"]
"""How an image of another aspect ratio gets the size of the records: stretched,
or resized as a whole and padded at the bottom or on the right."""

_PADDING = (124, 116, 104)
"""Mean colour of ImageNet: 0 once its statistics are taken off."""


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
  """Return an image at another size, bilinear and antialiased.

  Args:
    image: u8[H, W, 3].
    size: new height and width.

  Returns:
    u8[*size, 3].
  """
  if image.shape[:2] == size:
    return image
  height, width = size
  resized = Image.fromarray(image).resize(
    (width, height), Image.Resampling.BILINEAR
  )
  return np.asarray(resized)


def nearest(length: int, new_length: int) -> np.ndarray:
  """Return i64[new_length]: the old pixel at the centre of every new pixel.

  Indexing rows and columns with it resizes a label: label[rows[:, None], cols].
  """
  return (2 * np.arange(new_length) + 1) * length // (2 * new_length)


def resize_label(label: np.ndarray, size: Size) -> np.ndarray:
  """Return a label [H, W] or [H, W, C] at another size, nearest pixel."""
  if label.shape[:2] == size:
    return label
  rows = nearest(label.shape[0], size[0])
  columns = nearest(label.shape[1], size[1])
  return label[rows[:, None], columns]


def inner_size(own: Size, size: Size, fit: Fit) -> Size:
  """Return the part of `size` that an image of size `own` fills."""
  if fit == "stretch":
    return size
  scale = min(size[0] / own[0], size[1] / own[1])
  return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))


def fit_image(image: np.ndarray, size: Size, fit: Fit) -> np.ndarray:
  """Return u8[*size, 3]: the image resized, and padded if it is to be."""
  own = (image.shape[0], image.shape[1])
  inner = resize_image(image, inner_size(own, size, fit))
  if inner.shape[:2] == size:
    return inner
  padded = np.empty((*size, 3), np.uint8)
  padded[:] = _PADDING
  padded[: inner.shape[0], : inner.shape[1]] = inner
  return padded


def pad_label(label: np.ndarray, size: Size) -> np.ndarray:
  """Return a stored label at `size`, without ground truth where it grew."""
  if label.shape[:2] == size:
    return label
  none = -1 if label.dtype.kind == "i" else np.nan
  padded = np.full((*size, *label.shape[2:]), none, label.dtype)
  padded[: label.shape[0], : label.shape[1]] = label
  return padded
