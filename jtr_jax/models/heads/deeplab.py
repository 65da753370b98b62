"""DeepLabV3 and V3+: ASPP, with a fine map for V3+, and few convolutions.

Source: Chen et al. 2017 (V3) and 2018 (V3+); torchvision 0.29 for V3.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import FLOAT32, SHARED, Compute, Features
from jtr_jax.models.convolution import convolution
from jtr_jax.models.heads.full_size import full_size
from jtr_jax.models.layers import ConvNorm
from jtr_jax.models.resize import resize


@dataclasses.dataclass(frozen=True)
class DeepLabSettings:
  """What makes one DeepLab head different from another.

  Attributes:
    fine: name of the fine map of V3+; "" for V3.
    fine_width: channels to which the fine map is reduced.
    width: of the convolutions.
    dropout: fraction of the last convolution's input that training drops.
  """

  fine: str = ""
  fine_width: int = 48
  width: int = 256
  dropout: float = 0.0


class DeepLab(nn.Module):
  """Features to the raw output of a task.

  Attributes:
    channels: of the output.
    settings: which DeepLab.
    trunk: the head's own ASPP; None where the encoder ends with a shared one.
    compute: how it is computed.
  """

  channels: int
  settings: DeepLabSettings
  trunk: nn.Module | None = None
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, channels], not activated."""
    own, compute = self.settings, self.compute
    if self.trunk is None:
      x = features.maps[SHARED]
    else:
      x = self.trunk(features, train=train)
    if own.fine:
      fine = ConvNorm(own.fine_width, 1, compute=compute, name="fine")
      detail = fine(features.maps[own.fine], train)
      x = resize(x, (detail.shape[1], detail.shape[2]))
      x = jnp.concatenate([x, detail], axis=-1)
    for index in range(2 if own.fine else 1):
      layer = ConvNorm(own.width, 3, compute=compute, name=f"conv{index}")
      x = layer(x, train)
    x = nn.Dropout(own.dropout, deterministic=not train)(x)
    x = convolution(self.channels, 1, compute.dtype, "out")(x)
    return full_size(x, features)
