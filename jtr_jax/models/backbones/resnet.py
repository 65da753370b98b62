"""ResNets, with dilation in place of strides where maps are to stay large.

Source: He et al. 2016; in the form of torchvision 0.29 (models/resnet.py): the
stride of a bottleneck is that of its 3x3 convolution ("v1.5").
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
from jtr_jax.models.layers import ConvNorm, max_pool_3x3


@dataclasses.dataclass(frozen=True)
class ResNetSettings:
  """What makes one ResNet different from another.

  Attributes:
    depths: blocks of each stage.
    bottleneck: blocks of 1x1, 3x3 and 1x1 convolutions, the last one four times
      as wide; else two 3x3 convolutions.
    width: of the first stage; each stage doubles it.
    dilated: for the second stage and each one after it, whether it dilates its
      kernels instead of halving its maps.
  """

  depths: tuple[int, ...] = (3, 4, 6, 3)
  bottleneck: bool = True
  width: int = 64
  dilated: tuple[bool, ...] = (False, False, False)

  def scaled(self, width: float, depth: float) -> "ResNetSettings":
    """Return the same with other widths and depths, by these factors."""
    return dataclasses.replace(
      self,
      width=scaled_width(self.width, width),
      depths=tuple(scaled_depth(n, depth) for n in self.depths),
    )

  def with_output_stride(self, stride: int) -> "ResNetSettings":
    """Return the same with the stages dilated that would go beyond a stride."""
    reached = [4 * 2**n for n in range(1, len(self.depths))]
    dilated = tuple(own > stride for own in reached)
    return dataclasses.replace(self, dilated=dilated)


RESNETS: Mapping[str, ResNetSettings] = MappingProxyType(
  {
    "resnet18": ResNetSettings((2, 2, 2, 2), bottleneck=False),
    "resnet34": ResNetSettings((3, 4, 6, 3), bottleneck=False),
    "resnet50": ResNetSettings((3, 4, 6, 3)),
    "resnet101": ResNetSettings((3, 4, 23, 3)),
  }
)


class Block(nn.Module):
  """A residual block.

  Attributes:
    width: of the 3x3 convolutions.
    bottleneck: whether there are 1x1 convolutions around one 3x3.
    stride: of the first 3x3 convolution.
    dilation: of the first 3x3 convolution.
    later_dilation: of the second 3x3 convolution.
    compute: how it is computed.
  """

  width: int
  bottleneck: bool
  stride: int
  dilation: int
  later_dilation: int
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Return f[B, H', W', C'] of x [B, H, W, C]."""
    own = {"compute": self.compute}
    out = 4 * self.width if self.bottleneck else self.width
    middle = {"stride": self.stride, "dilation": self.dilation, **own}
    y = x
    if self.bottleneck:
      y = ConvNorm(self.width, 1, **own, name="conv1")(y, train)
      y = ConvNorm(self.width, 3, **middle, name="conv2")(y, train)
      last = ConvNorm(out, 1, activation=None, **own, name="conv3")
    else:
      y = ConvNorm(self.width, 3, **middle, name="conv1")(y, train)
      last = ConvNorm(
        out,
        3,
        dilation=self.later_dilation,
        activation=None,
        **own,
        name="conv2",
      )
    y = last(y, train)
    if self.stride != 1 or x.shape[-1] != out:
      x = ConvNorm(
        out, 1, self.stride, activation=None, **own, name="downsample"
      )(x, train)
    return nn.relu(x + y)


class ResNet(nn.Module):
  """Image to the maps layer1, layer2, ...

  Attributes:
    settings: which ResNet.
    compute: how it is computed.
  """

  settings: ResNetSettings
  compute: Compute = FLOAT32

  @property
  def strides(self) -> Mapping[str, int]:
    """Stride of every map, the finest first."""
    strides, stride = {"layer1": 4}, 4
    for index, dilated in enumerate(self.settings.dilated, start=2):
      stride *= 1 if dilated else 2
      strides[f"layer{index}"] = stride
    return strides

  @property
  def multiple(self) -> int:
    """What height and width have to be multiples of: any size will do."""
    return 1

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last convolution."""
    stage, block = len(self.settings.depths), self.settings.depths[-1] - 1
    conv = "conv3" if self.settings.bottleneck else "conv2"
    return f"layer{stage}_block{block}", conv, "conv"

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return the map of every stage of x [B, H, W, C], any H and W."""
    own, compute = self.settings, self.compute
    block = nn.remat(Block, static_argnums=(2,)) if compute.remat else Block
    x = x.astype(compute.dtype)
    x = ConvNorm(own.width, 7, 2, compute=compute, name="stem")(x, train)
    x = max_pool_3x3(x)
    maps, dilation = {}, 1
    for stage, depth in enumerate(own.depths):
      dilated = stage > 0 and own.dilated[stage - 1]
      before = dilation
      dilation *= 2 if dilated else 1
      for index in range(depth):
        first = index == 0
        x = block(
          own.width * 2**stage,
          own.bottleneck,
          stride=2 if first and stage > 0 and not dilated else 1,
          dilation=before if first else dilation,
          later_dilation=dilation,
          compute=compute,
          name=f"layer{stage + 1}_block{index}",
        )(x, train)
      maps[f"layer{stage + 1}"] = x
    return maps
