"""Dense prediction transformer: maps of a ViT's blocks, refined step by step.

Source: Ranftl et al. 2021 (DPT), without batch norm.
Deviations: the class token is not read; sizes change without aligned corners. A
transposed convolution whose stride is its size is written as a linear layer for
every pixel, whose output is laid out as a square.
"""

import dataclasses

import flax.linen as nn
import jax

from jtr_jax.models.base import FLOAT32, SHARED, Compute, Features
from jtr_jax.models.convolution import convolution
from jtr_jax.models.heads.full_size import full_size
from jtr_jax.models.resize import resize


@dataclasses.dataclass(frozen=True)
class DptSettings:
  """What makes one DPT different from another.

  Attributes:
    sources: names of four maps, that of the first block first.
    widths: to which their channels are brought.
    fused: width of the refined maps.
    detail: width of the last convolution, which is at every pixel.
  """

  sources: tuple[str, ...]
  widths: tuple[int, ...] = (96, 192, 384, 768)
  fused: int = 64
  detail: int = 32


class Dpt(nn.Module):
  """Maps of four blocks, all of one size, to one map eight times as fine.

  Attributes:
    settings: maps and widths.
    compute: how it is computed.
  """

  settings: DptSettings
  compute: Compute = FLOAT32

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last convolution."""
    return ("fuse0",)

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return a map f[B, 8 h, 8 w, fused]."""
    del train  # no batch norm here
    *finer, coarsest = (
      self._reassemble(features.maps[source], index)
      for index, source in enumerate(self.settings.sources)
    )
    x = self._fuse(coarsest, len(finer))
    for index, y in reversed(list(enumerate(finer))):
      x = resize(x, (y.shape[1], y.shape[2]))
      x = self._fuse(x + self._refine(y, f"lateral{index}"), index)
    return x

  def _fuse(self, x: jax.Array, index: int) -> jax.Array:
    """Return x refined and at twice its size."""
    x = self._refine(x, f"refine{index}")
    x = resize(x, (2 * x.shape[1], 2 * x.shape[2]))
    dtype = self.compute.dtype
    return convolution(self.settings.fused, 1, dtype, f"fuse{index}")(x)

  def _refine(self, x: jax.Array, name: str) -> jax.Array:
    return Refine(self.settings.fused, self.compute, name=name)(x)

  def _reassemble(self, x: jax.Array, index: int) -> jax.Array:
    """Return a source at 4, 2, 1 or 1/2 times its size, f[..., fused]."""
    own, dtype = self.settings, self.compute.dtype
    width, last = own.widths[index], len(own.sources) - 1
    x = convolution(width, 1, dtype, f"reduce{index}")(x)
    if index == last:
      x = convolution(width, 3, dtype, f"resample{index}", stride=2)(x)
    elif index < last - 1:
      factor = 2 ** (last - 1 - index)
      layer = convolution(factor**2 * width, 1, dtype, f"resample{index}")
      x = spread(layer(x), factor)
    return convolution(own.fused, 3, dtype, f"join{index}", bias=False)(x)


class Refine(nn.Module):
  """A residual block of two 3x3 convolutions, activation first.

  Attributes:
    width: of both.
    compute: how it is computed.
  """

  width: int
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Return f[B, H, W, width] of x [B, H, W, width]."""
    y = x
    for index in range(2):
      layer = convolution(self.width, 3, self.compute.dtype, f"conv{index}")
      y = layer(nn.relu(y))
    return x + y


class DptHead(nn.Module):
  """Features to the raw output of a task.

  Attributes:
    channels: of the output.
    settings: widths.
    trunk: the head's own `Dpt`; None where the encoder ends with a shared one.
    compute: how it is computed.
  """

  channels: int
  settings: DptSettings
  trunk: nn.Module | None = None
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, channels], not activated."""
    own, dtype = self.settings, self.compute.dtype
    if self.trunk is None:
      x = features.maps[SHARED]
    else:
      x = self.trunk(features, train=train)
    x = convolution(max(1, own.fused // 2), 3, dtype, "conv0")(x)
    x = resize(x, features.covered)
    x = nn.relu(convolution(own.detail, 3, dtype, "conv1")(x))
    x = convolution(self.channels, 1, dtype, "out")(x)
    return full_size(x, features)


def spread(x: jax.Array, factor: int) -> jax.Array:
  """Return f[B, h H, h W, C] of x [B, H, W, h h C], h being the factor."""
  batch, height, width, channels = x.shape
  left = channels // factor**2
  x = x.reshape(batch, height, width, factor, factor, left)
  x = x.transpose(0, 1, 3, 2, 4, 5)
  return x.reshape(batch, factor * height, factor * width, left)
