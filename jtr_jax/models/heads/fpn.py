"""Feature pyramid: maps of all strides brought together at the finest one.

Source: Lin et al. 2017 (FPN); Kirillov et al. 2019 (Panoptic FPN).
Deviations: one convolution at the finest map, not one at each.
"""

import dataclasses

import flax.linen as nn
import jax

from jtr_jax.models.base import FLOAT32, SHARED, Compute, Features
from jtr_jax.models.convolution import convolution
from jtr_jax.models.heads.full_size import full_size
from jtr_jax.models.layers import ConvNorm
from jtr_jax.models.resize import resize


@dataclasses.dataclass(frozen=True)
class FpnSettings:
  """What makes one pyramid different from another.

  Attributes:
    sources: names of the maps that it reads, the finest first.
    width: of all its maps.
  """

  sources: tuple[str, ...]
  width: int = 128


class Fpn(nn.Module):
  """Maps of several strides to one.

  Attributes:
    settings: maps and width.
    compute: how it is computed.
  """

  settings: FpnSettings
  compute: Compute = FLOAT32

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last convolution."""
    return "smooth", "conv"

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return a map f[B, h, w, width], as fine as the finest source."""
    own, compute = self.settings, self.compute
    x = None
    for source in reversed(own.sources):
      name = f"lateral_{source}"
      lateral = convolution(own.width, 1, compute.dtype, name)
      y = lateral(features.maps[source])
      x = y if x is None else y + resize(x, (y.shape[1], y.shape[2]))
    return ConvNorm(own.width, 3, compute=compute, name="smooth")(x, train)


class FpnHead(nn.Module):
  """Features to the raw output of a task.

  Attributes:
    channels: of the output.
    width: of the convolution behind a shared pyramid.
    dropout: fraction of the last convolution's input that training drops.
    trunk: the head's own pyramid; None where the encoder ends with a shared
      one, and the head has a convolution of its own.
    compute: how it is computed.
  """

  channels: int
  width: int = 128
  dropout: float = 0.0
  trunk: nn.Module | None = None
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, channels], not activated."""
    if self.trunk is None:
      layer = ConvNorm(self.width, 3, compute=self.compute, name="conv0")
      x = layer(features.maps[SHARED], train)
    else:
      x = self.trunk(features, train=train)
    x = nn.Dropout(self.dropout, deterministic=not train)(x)
    x = convolution(self.channels, 1, self.compute.dtype, "out")(x)
    return full_size(x, features)
