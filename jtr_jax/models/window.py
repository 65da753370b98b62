"""How the kernel of a convolution moves over an image."""

from typing import NamedTuple, TypeAlias

Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


class Window(NamedTuple):
  """Strides, border and dilation, each for height and width.

  Attributes:
    strides: steps of the kernel, pixels.
    pads: zeros (above, below) and (left, right) of the image.
    dilation: distance of the kernel's entries, pixels.
  """

  strides: tuple[int, int]
  pads: Pads
  dilation: tuple[int, int]
