"""Networks of inverted residual blocks: narrow between, wide inside of blocks.

MobileNetV2, EfficientNet-Lite and EfficientNetV2 are settings of this one
network; see `mobilenet_v2` and `efficientnet`.

Source: Sandler et al. 2018 (MobileNetV2); Tan and Le 2019, 2021 (EfficientNet,
V2).
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import flax.linen as nn
import jax

from jtr_jax.models.base import (
  FLOAT32,
  Compute,
  scaled_depth,
  scaled_width,
)
from jtr_jax.models.convolution import Padding, convolution
from jtr_jax.models.layers import ConvNorm, global_average

Activation: TypeAlias = Callable[[jax.Array], jax.Array]


class Stage(NamedTuple):
  """Blocks of one width.

  Attributes:
    expand: how much wider a block is inside.
    size: of its spatial kernel.
    stride: of the first block.
    width: of the output.
    depth: how many blocks there are.
    fused: one full convolution in place of a 1x1 and a depthwise one.
    squeeze: whether blocks weight their channels (squeeze and excitation).
  """

  expand: int
  size: int
  stride: int
  width: int
  depth: int
  fused: bool = False
  squeeze: bool = False


@dataclasses.dataclass(frozen=True)
class InvertedResidualSettings:
  """What makes one network of this kind different from another.

  Attributes:
    stages: of blocks.
    stem: channels of the first convolution.
    top: channels of the 1x1 convolution that classifiers have on top.
    activation: between the layers.
    padding: of strided convolutions.
    epsilon: of batch norm.
    momentum: of batch norm, fraction of the old running value.
    output_stride: stages that would go beyond it dilate their kernels.
  """

  stages: tuple[Stage, ...]
  stem: int = 32
  top: int = 1280
  activation: Activation = nn.relu6
  padding: Padding = "symmetric"
  epsilon: float = 1e-5
  momentum: float = 0.9
  output_stride: int = 32

  def scaled(self, width: float, depth: float) -> "InvertedResidualSettings":
    """Return the same with other widths and depths, by these factors."""
    stages = tuple(
      stage._replace(
        width=scaled_width(stage.width, width),
        depth=scaled_depth(stage.depth, depth),
      )
      for stage in self.stages
    )
    return dataclasses.replace(
      self,
      stages=stages,
      stem=scaled_width(self.stem, width),
      top=scaled_width(self.top, width),
    )

  def with_output_stride(self, stride: int) -> "InvertedResidualSettings":
    """Return the same, dilating where it would go beyond a stride."""
    return dataclasses.replace(self, output_stride=stride)


class Plan(NamedTuple):
  """Where a block stands.

  Attributes:
    name: of the block and of its output.
    stage: its stage.
    stride: of its spatial kernel.
    dilation: of its spatial kernel.
    skips: whether its input may be added to its output.
    reached: stride of its output with respect to the image.
  """

  name: str
  stage: Stage
  stride: int
  dilation: int
  skips: bool
  reached: int


def plan(settings: InvertedResidualSettings) -> Iterator[Plan]:
  """Yield every block, in order."""
  reached, dilation, count = 2, 1, 0
  for stage in settings.stages:
    for index in range(stage.depth):
      stride, own = (stage.stride if index == 0 else 1), dilation
      skips = stride == 1
      if reached * stride > settings.output_stride:
        dilation, stride = dilation * stride, 1
      reached *= stride
      yield Plan(f"block{count}", stage, stride, own, skips, reached)
      count += 1


class Block(nn.Module):
  """An inverted residual block.

  Attributes:
    place: its sizes.
    settings: of the network.
    compute: how it is computed.
  """

  place: Plan
  settings: InvertedResidualSettings
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Return f[B, H', W', width] of x [B, H, W, C]."""
    stage, narrow = self.place.stage, x.shape[-1]
    wide = stage.expand * narrow
    spatial = {
      "size": stage.size,
      "stride": self.place.stride,
      "dilation": self.place.dilation,
    }
    y = x
    if stage.fused:
      alone = stage.expand == 1
      width = stage.width if alone else wide
      y = self._layer("fused", width, **spatial)(y, train)
    else:
      if stage.expand != 1:
        y = self._layer("expand", wide, size=1)(y, train)
      y = self._layer("depthwise", wide, groups=wide, **spatial)(y, train)
      if stage.squeeze:
        squeeze = Squeeze(max(1, narrow // 4), self.compute, name="squeeze")
        y = squeeze(y)
    if not stage.fused or stage.expand != 1:
      last = self._layer("project", stage.width, size=1, activation=None)
      y = last(y, train)
    return x + y if self.place.skips and narrow == stage.width else y

  def _layer(self, name: str, width: int, **options: Any) -> ConvNorm:
    return layer(self.settings, self.compute, name, width, **options)


class Squeeze(nn.Module):
  """Weights for the channels from their means.

  Attributes:
    width: of the hidden layer.
    compute: how it is computed.
  """

  width: int
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Return x [B, H, W, C] with its channels weighted."""
    dtype = self.compute.dtype
    y = global_average(x)[:, None, None]
    y = nn.silu(convolution(self.width, 1, dtype, "reduce")(y))
    y = convolution(x.shape[-1], 1, dtype, "expand")(y)
    return x * nn.sigmoid(y)


class InvertedResidualNet(nn.Module):
  """Image to the maps block0, block1, ...

  Attributes:
    settings: which network.
    compute: how it is computed.
  """

  settings: InvertedResidualSettings
  compute: Compute = FLOAT32

  @property
  def strides(self) -> Mapping[str, int]:
    """Stride of every block's map, the finest first."""
    return {place.name: place.reached for place in plan(self.settings)}

  @property
  def multiple(self) -> int:
    """What height and width have to be multiples of, lest a border be lost."""
    even = self.settings.padding == "even"
    return self.settings.output_stride if even else 1

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last convolution of the blocks."""
    *_, place = plan(self.settings)
    alone = place.stage.fused and place.stage.expand == 1
    return place.name, "fused" if alone else "project", "conv"

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return the map of every block of x [B, H, W, C]."""
    own, compute = self.settings, self.compute
    block = nn.remat(Block, static_argnums=(2,)) if compute.remat else Block
    x = x.astype(compute.dtype)
    x = layer(own, compute, "stem", own.stem, size=3, stride=2)(x, train)
    maps = {}
    for place in plan(own):
      x = block(place, own, compute, name=place.name)(x, train)
      maps[place.name] = x
    return maps


def layer(
  settings: InvertedResidualSettings,
  compute: Compute,
  name: str,
  width: int,
  **options: Any,
) -> ConvNorm:
  """Return a layer with the network's activation, norm and padding.

  Args:
    settings: of the network.
    compute: how it is computed.
    name: of the module.
    width: channels of the output.
    **options: of `ConvNorm`.
  """
  chosen = {"activation": settings.activation, **options}
  return ConvNorm(
    width,
    padding=settings.padding,
    epsilon=settings.epsilon,
    momentum=settings.momentum,
    compute=compute,
    name=name,
    **chosen,
  )
