"""Images and labels at another size, on the host."""

import numpy as np
from PIL import Image


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
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
