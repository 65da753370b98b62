"""Atrous spatial pyramid pooling: what is around a pixel, near and far.

Source: Chen et al. 2017 (DeepLabV3); torchvision 0.29.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import FLOAT32, Compute, Features
from jtr_jax.models.layers import ConvNorm, global_average


@dataclasses.dataclass(frozen=True)
class AsppSettings:
  """What makes one ASPP different from another.

  Attributes:
    source: name of the map that it reads.
    width: of the branches and of the output.
    rates: dilations of the 3x3 convolutions.
    dropout: fraction of the output that training drops.
  """

  source: str
  width: int = 256
  rates: tuple[int, ...] = (12, 24, 36)
  dropout: float = 0.5


class Aspp(nn.Module):
  """A 1x1, several dilated 3x3 convolutions and the image's mean, joined.

  Attributes:
    settings: widths and rates.
    compute: how it is computed.
  """

  settings: AsppSettings
  compute: Compute = FLOAT32

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last convolution."""
    return "project", "conv"

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return a map f[B, h, w, width]."""
    own, compute = self.settings, self.compute
    x = features.maps[own.source]
    layer = lambda name, size=1, dilation=1: ConvNorm(
      own.width, size, dilation=dilation, compute=compute, name=name
    )
    branches = [layer("point")(x, train)]
    for index, rate in enumerate(own.rates):
      branches.append(layer(f"rate{index}", 3, rate)(x, train))
    mean = layer("mean")(global_average(x)[:, None, None], train)
    branches.append(jnp.broadcast_to(mean, branches[0].shape))
    joined = jnp.concatenate(branches, axis=-1)
    x = layer("project")(joined, train)
    return nn.Dropout(own.dropout, deterministic=not train)(x)
