"""Windows that slide over an image, and their predictions laid together.

Neighbours overlap by half. A prediction weighs most in the middle of its window
and least at the border, where the network sees little of the surroundings.
"""

from typing import NamedTuple

import numpy as np

from jtr_jax.data.datasets import resample
from jtr_jax.data.datasets.resample import Size


class Windows(NamedTuple):
  """The windows of one image.

  Attributes:
    tiles: u8[N, H, W, 3].
    corners: row and column of each one's upper left pixel.
    size: of the image, which is smaller than a window where that is padded.
  """

  tiles: np.ndarray
  corners: tuple[tuple[int, int], ...]
  size: Size


def cut(image: np.ndarray, window: Size) -> Windows:
  """Cut an image into windows.

  Args:
    image: u8[h, w, 3]; one smaller than a window is padded.
    window: (H, W).
  """
  own = (image.shape[0], image.shape[1])
  least = (max(own[0], window[0]), max(own[1], window[1]))
  padded = np.pad(
    image,
    [(0, least[0] - own[0]), (0, least[1] - own[1]), (0, 0)],
    mode="edge",
  )
  corners = tuple(
    (top, left)
    for top in _starts(least[0], window[0])
    for left in _starts(least[1], window[1])
  )
  tiles = [
    padded[top : top + window[0], left : left + window[1]]
    for top, left in corners
  ]
  return Windows(np.stack(tiles), corners, own)


def join(windows: Windows, predictions: np.ndarray) -> np.ndarray:
  """Return the weighted mean of the windows' predictions.

  Args:
    windows: of `cut`.
    predictions: f32[N, H, W, C].

  Returns:
    f32[h, w, C] for the image.
  """
  height, width = predictions.shape[1:3]
  bottom, right = np.max(windows.corners, axis=0)
  shape = (int(bottom) + height, int(right) + width)
  total = np.zeros((*shape, predictions.shape[-1]), np.float32)
  weight = np.zeros((*shape, 1), np.float32)
  tent = (_tent(height)[:, None] * _tent(width))[..., None]
  for (top, left), prediction in zip(windows.corners, predictions, strict=True):
    place = np.s_[top : top + height, left : left + width]
    total[place] += tent * prediction
    weight[place] += tent
  mean: np.ndarray = total / weight
  return mean[: windows.size[0], : windows.size[1]]


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
  """Return an image at another scale, one pixel high and wide at least."""
  size = tuple(max(1, round(length * scale)) for length in image.shape[:2])
  return resample.resize_image(image, (size[0], size[1]))


def _starts(length: int, window: int) -> list[int]:
  """Return where windows begin: half a window apart, and at the end."""
  step = max(1, window // 2)
  return sorted({*range(0, length - window, step), length - window})


def _tent(length: int) -> np.ndarray:
  """Return f32[length]: 1 in the middle, falling linearly, never 0."""
  distance = np.abs(np.arange(length) - (length - 1) / 2)
  return (1 - distance / (length / 2 + 0.5)).astype(np.float32)
