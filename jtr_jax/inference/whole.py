"""Images of any size at the size of a network, and predictions back again."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np

from jtr_jax.data.datasets import resample
from jtr_jax.data.datasets.resample import Fit, Size
from jtr_jax.models.resize import matrix

_ROWS = 256  # of the output at once, so that large photographs fit in memory


class Placed(NamedTuple):
  """An image as the network sees it.

  Attributes:
    image: u8[H, W, 3], of the network's size.
    inner: rows and columns of it that the image fills.
  """

  image: np.ndarray
  inner: Size


def place(image: np.ndarray, size: Size, fit: str) -> Placed:
  """Bring an image to the network's size, as training images were.

  Args:
    image: u8[h, w, 3].
    size: (H, W) of the network.
    fit: "stretch", or "pad" at the bottom or on the right.
  """
  kind = cast(Fit, fit)
  own = (image.shape[0], image.shape[1])
  placed = resample.fit_image(image, size, kind)
  return Placed(placed, resample.inner_size(own, size, kind))


def row_blocks(field: np.ndarray, size: Size) -> Iterator[np.ndarray]:
  """Yield a prediction at another size, bilinear, some rows at a time.

  Args:
    field: f32[h, w, C].
    size: (H, W).

  Yields:
    f32[R, W, C] with R up to 256 rows, from top to bottom.
  """
  height, width = size
  if field.shape[:2] == size:
    for start in range(0, height, _ROWS):
      yield field[start : start + _ROWS]
    return
  rows = matrix(field.shape[0], height, "linear").astype(np.float32)
  columns = matrix(field.shape[1], width, "linear").astype(np.float32)
  wide = np.einsum("Ww,hwc->hWc", columns, field, optimize=True)
  for start in range(0, height, _ROWS):
    part = rows[start : start + _ROWS]
    yield np.einsum("Hh,hWc->HWc", part, wide, optimize=True)
