"""How trained networks predict."""

import dataclasses

from jtr_jax.core import errors


@dataclasses.dataclass(frozen=True)
class Options:
  """How images are shown to the network, and what is averaged.

  Attributes:
    flip: average with the prediction for the mirrored image.
    windows: slide windows of the training size over the image, in place of
      bringing the image as a whole to that size.
    scale: of the image before it is cut into windows; 1 keeps its pixels.
    batch_size: images, or windows, that the network sees at once.
  """

  flip: bool = False
  windows: bool = False
  scale: float = 1.0
  batch_size: int = 8

  def __post_init__(self) -> None:
    if self.batch_size < 1:
      raise ValueError(
        errors.message(
          "A batch holds no image",
          found=f"batch_size = {self.batch_size}",
          expected="at least 1",
          do="Leave it out, or make it smaller if memory is short.",
        )
      )
    if not 0 < self.scale <= 16:
      raise ValueError(
        errors.message(
          "Windows cannot be cut at this scale",
          found=f"scale = {self.scale:g}",
          expected="more than 0 and at most 16",
          do="1 keeps the pixels of the image, 0.5 halves height and width.",
        )
      )
