"""DeepLabV3 and V3+: ASPP, with a fine map for V3+, and few convolutions.

Source: Chen et al. 2017 (V3) and 2018 (V3+); torchvision 0.29 for V3.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import FLOAT32, Compute, Features
from jtr_jax.models.convolution import convolution
from jtr_jax.models.heads.aspp import ASPP, Aspp, AsppSettings
from jtr_jax.models.heads.full_size import full_size
from jtr_jax.models.layers import ConvNorm
from jtr_jax.models.resize import resize


@dataclasses.dataclass(frozen=True)
class DeepLabSettings:
  """What makes one DeepLab head different from another.

  Attributes:
    deep: name of the coarse map.
    aspp: of the head's own ASPP; None where the encoder ends with a shared one.
    fine: name of the fine map of V3+; "" for V3.
    fine_width: channels to which the fine map is reduced.
    width: of the convolutions.
  """

  deep: str
  aspp: AsppSettings | None = ASPP
  fine: str = ""
  fine_width: int = 48
  width: int = 256


class DeepLab(nn.Module):
  """Features to the raw output of a task.

  Attributes:
    channels: of the output.
    settings: which DeepLab.
    compute: how it is computed.
  """

  channels: int
  settings: DeepLabSettings
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, channels], not activated."""
    own, compute = self.settings, self.compute
    x = features.maps[own.deep]
    if own.aspp is not None:
      x = Aspp(own.aspp, compute, name="aspp")(x, train=train)
    depth = 1
    if own.fine:
      fine = ConvNorm(own.fine_width, 1, compute=compute, name="fine")
      detail = fine(features.maps[own.fine], train)
      x = resize(x, (detail.shape[1], detail.shape[2]))
      x, depth = jnp.concatenate([x, detail], axis=-1), 2
    for index in range(depth):
      layer = ConvNorm(own.width, 3, compute=compute, name=f"conv{index}")
      x = layer(x, train)
    x = convolution(self.channels, 1, compute.dtype, "out")(x)
    return full_size(x, features)
