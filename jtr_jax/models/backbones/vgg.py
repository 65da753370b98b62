"""VGG-16, with and without batch norm.

Source: Simonyan and Zisserman 2015; torchvision 0.29.
"""

import dataclasses
from collections.abc import Mapping

import flax.linen as nn
import jax

from jtr_jax.models.base import (
  FLOAT32,
  Compute,
  scaled_depth,
  scaled_width,
)
from jtr_jax.models.convolution import convolution
from jtr_jax.models.layers import ConvNorm
from jtr_jax.models.pooling import max_pool


@dataclasses.dataclass(frozen=True)
class VggSettings:
  """What makes one VGG different from another.

  Attributes:
    widths: of the stages.
    depths: how many 3x3 convolutions each stage has.
    norm: whether batch norm follows the convolutions.
  """

  widths: tuple[int, ...] = (64, 128, 256, 512, 512)
  depths: tuple[int, ...] = (2, 2, 3, 3, 3)
  norm: bool = True

  def scaled(self, width: float, depth: float) -> "VggSettings":
    """Return the same with other widths and depths, by these factors."""
    return dataclasses.replace(
      self,
      widths=tuple(scaled_width(n, width) for n in self.widths),
      depths=tuple(scaled_depth(n, depth) for n in self.depths),
    )


VGG16 = VggSettings(norm=False)
VGG16_BN = VggSettings()


class Vgg(nn.Module):
  """Image to the maps stage1, stage2, ..., each behind its pooling.

  Attributes:
    settings: which VGG.
    compute: how it is computed.
  """

  settings: VggSettings
  compute: Compute = FLOAT32

  @property
  def strides(self) -> Mapping[str, int]:
    """Stride of every map, the finest first."""
    count = len(self.settings.widths)
    return {f"stage{n}": 2**n for n in range(1, count + 1)}

  @property
  def multiple(self) -> int:
    """What height and width have to be multiples of, lest a border be lost."""
    return 2 ** len(self.settings.widths)

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last convolution."""
    count = len(self.settings.widths)
    return f"stage{count}", f"conv{self.settings.depths[-1] - 1}", "conv"

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return the map of every stage of x [B, H, W, C]."""
    own, compute = self.settings, self.compute
    stage = nn.remat(Stage, static_argnums=(2,)) if compute.remat else Stage
    x, maps = x.astype(compute.dtype), {}
    for index, (width, depth) in enumerate(
      zip(own.widths, own.depths, strict=True), start=1
    ):
      name = f"stage{index}"
      x = stage(width, depth, own.norm, compute, name=name)(x, train)
      maps[name] = x
    return maps


class Stage(nn.Module):
  """3x3 convolutions of one width, then 2x2 max-pooling.

  Attributes:
    width: of the convolutions.
    depth: how many there are.
    norm: whether batch norm follows each.
    compute: how it is computed.
  """

  width: int
  depth: int
  norm: bool
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Return f[B, H / 2, W / 2, width]; an odd row or column is dropped."""
    for index in range(self.depth):
      name = f"conv{index}"
      if self.norm:
        layer = ConvNorm(self.width, bias=True, compute=self.compute, name=name)
        x = layer(x, train)
      else:
        x = nn.relu(Conv(self.width, self.compute, name=name)(x))
    height, width = (length // 2 * 2 for length in x.shape[1:3])
    pooled, _ = max_pool(x[:, :height, :width])
    return pooled


class Conv(nn.Module):
  """A 3x3 convolution under the path that it has with batch norm.

  Attributes:
    width: channels of the output.
    compute: how it is computed.
  """

  width: int
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Return f[B, H, W, width] of x [B, H, W, C]."""
    return convolution(self.width, 3, self.compute.dtype, "conv")(x)
