"""Small image filters."""

import numpy as np


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
  """Return an image blurred along its last two axes, edges repeated.

  Args:
    image: f32[..., H, W].
    sigma: standard deviation in pixels.

  Returns:
    f32[..., H, W].
  """
  radius = max(1, round(2.5 * sigma))
  offsets = np.arange(-radius, radius + 1)
  kernel = np.exp(-0.5 * np.square(offsets / sigma))
  kernel = (kernel / kernel.sum()).astype(np.float32)
  return _along_columns(_along_rows(image, kernel), kernel)


def gradients(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Return the Sobel derivatives along x and y, per pixel.

  Args:
    image: f32[H, W].

  Returns:
    Two f32[H, W].
  """
  smooth = np.array([0.25, 0.5, 0.25], np.float32)
  slope = np.array([-0.5, 0, 0.5], np.float32)
  dx = _along_columns(_along_rows(image, smooth), slope)
  dy = _along_columns(_along_rows(image, slope), smooth)
  return dx, dy


def _along_rows(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
  radius, height = len(kernel) // 2, image.shape[-2]
  pad = [(0, 0)] * (image.ndim - 2) + [(radius, radius), (0, 0)]
  padded = np.pad(image, pad, mode="edge")
  return sum(
    (w * padded[..., k : k + height, :] for k, w in enumerate(kernel) if w),
    start=np.zeros_like(image),
  )


def _along_columns(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
  radius, width = len(kernel) // 2, image.shape[-1]
  pad = [(0, 0)] * (image.ndim - 1) + [(radius, radius)]
  padded = np.pad(image, pad, mode="edge")
  return sum(
    (w * padded[..., k : k + width] for k, w in enumerate(kernel) if w),
    start=np.zeros_like(image),
  )
