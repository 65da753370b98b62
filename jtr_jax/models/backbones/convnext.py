"""ConvNeXt.

Source: Liu et al. 2022; torchvision 0.29 (models/convnext.py).
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import flax.linen as nn
import jax

from jtr_jax.models.base import (
  FLOAT32,
  Compute,
  scaled_depth,
  scaled_width,
)
from jtr_jax.models.convolution import convolution
from jtr_jax.models.layers import LayerNorm

EPSILON = 1e-6
"""Of layer norm."""


@dataclasses.dataclass(frozen=True)
class ConvNeXtSettings:
  """What makes one ConvNeXt different from another.

  Attributes:
    depths: blocks of each stage.
    widths: of each stage.
  """

  depths: tuple[int, ...] = (3, 3, 9, 3)
  widths: tuple[int, ...] = (96, 192, 384, 768)

  def scaled(self, width: float, depth: float) -> "ConvNeXtSettings":
    """Return the same with other widths and depths, by these factors."""
    return dataclasses.replace(
      self,
      widths=tuple(scaled_width(n, width) for n in self.widths),
      depths=tuple(scaled_depth(n, depth) for n in self.depths),
    )


CONVNEXTS: Mapping[str, ConvNeXtSettings] = MappingProxyType(
  {
    "convnext_tiny": ConvNeXtSettings(),
    "convnext_small": ConvNeXtSettings((3, 3, 27, 3)),
    "convnext_base": ConvNeXtSettings((3, 3, 27, 3), (128, 256, 512, 1024)),
  }
)


class Block(nn.Module):
  """Depthwise 7x7 convolution, layer norm, two linear layers, layer scale.

  Attributes:
    compute: how it is computed.
  """

  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Return f[B, H, W, C] of x [B, H, W, C]."""
    width, dtype = x.shape[-1], self.compute.dtype
    y = convolution(width, 7, dtype, "depthwise", groups=width)(x)
    y = LayerNorm(EPSILON, self.compute, name="norm")(y)
    y = nn.Dense(4 * width, dtype=dtype, name="expand")(y)
    y = nn.gelu(y, approximate=False)
    y = nn.Dense(width, dtype=dtype, name="project")(y)
    scale = self.param("layer_scale", nn.initializers.ones, (width,))
    return x + scale.astype(dtype) * y


class ConvNeXt(nn.Module):
  """Image to the maps stage1, stage2, ...

  Attributes:
    settings: which ConvNeXt.
    compute: how it is computed.
  """

  settings: ConvNeXtSettings
  compute: Compute = FLOAT32

  @property
  def strides(self) -> Mapping[str, int]:
    """Stride of every map, the finest first."""
    count = len(self.settings.depths)
    return {f"stage{n}": 2 ** (n + 1) for n in range(1, count + 1)}

  @property
  def multiple(self) -> int:
    """What height and width have to be multiples of, lest a border be lost."""
    return 2 ** (len(self.settings.depths) + 1)

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last linear layer."""
    stage = len(self.settings.depths)
    return f"stage{stage}_block{self.settings.depths[-1] - 1}", "project"

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return the map of every stage of x [B, H, W, C]."""
    del train  # no batch norm here
    own, compute = self.settings, self.compute
    block = nn.remat(Block) if compute.remat else Block
    norm = lambda name: LayerNorm(EPSILON, compute, name=name)
    patches = lambda width, size, name: convolution(
      width, size, compute.dtype, name, stride=size, padding="none"
    )
    x, maps = x.astype(compute.dtype), {}
    for stage, (depth, width) in enumerate(
      zip(own.depths, own.widths, strict=True), start=1
    ):
      if stage == 1:
        x = norm("stem_norm")(patches(width, 4, "stem_conv")(x))
      else:
        x = norm(f"stage{stage}_norm")(x)
        x = patches(width, 2, f"stage{stage}_conv")(x)
      for index in range(depth):
        x = block(compute, name=f"stage{stage}_block{index}")(x)
      maps[f"stage{stage}"] = x
    return maps
