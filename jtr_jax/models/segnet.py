"""SegNet as the papers' code base has it, shared by the model and JTR.

Five encoder stages of two or three 3x3 convolutions with batch norm and ReLU,
2x2 max-pooling; five mirrored decoder stages that undo the pooling with the
remembered positions; a head of a 3x3 and a 1x1 convolution for each output.
Small images may do with fewer stages.

Source: Badrinarayanan et al. 2017 (SegNet); layer plan of the released MTAN,
MTPSL and JTR code (models/*_segnet_*.py).
Deviations: sizes that are not divisible by 32 (with five stages) are padded by
repeating the border, and the output is cropped back.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import Features, pad_to_stride
from jtr_jax.models.convolution import convolution
from jtr_jax.models.normalization import BatchNorm, Statistics
from jtr_jax.models.pooling import enlarge, max_pool, max_unpool

FILTERS = (64, 128, 256, 512, 512)

Unpooling: TypeAlias = Literal["positions", "nearest"]
"""How a decoder stage enlarges: the values back at the remembered positions of
the maxima, as SegNet does, or each value four times, so that nothing passes by
the bottleneck."""

Change: TypeAlias = Callable[[jax.Array], jax.Array]
"""From a bottleneck [B, h, w, C] to the one that is decoded in its place."""


def features(
  bottleneck: jax.Array, final: jax.Array, size: tuple[int, int], depth: int
) -> Features:
  """Return the features of the trunk.

  Args:
    bottleneck: f32[B, h, w, C], after the last pooling.
    final: f32[B, H, W, C], what the heads read.
    size: (H, W).
    depth: how many stages there are.
  """
  stride = 2**depth
  height, width = (-(-length // stride) * stride for length in size)
  return Features(
    {"bottleneck": bottleneck, "final": final},
    strides=(("final", 1), ("bottleneck", stride)),
    size=size,
    covered=(height, width),
  )


class ConvNormRelu(nn.Module):
  """A chain of 3x3 convolutions, each with batch norm and ReLU."""

  widths: tuple[int, ...]
  statistics: Statistics = "batch"
  dtype: jnp.dtype = jnp.float32
  running: bool = True

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, widths[-1]]."""
    for index, width in enumerate(self.widths):
      x = convolution(width, 3, self.dtype, f"conv{index}")(x)
      norm = BatchNorm(
        self.statistics,
        running=self.running,
        dtype=self.dtype,
        name=f"norm{index}",
      )
      x = nn.relu(norm(x, train=train))
    return x


class SegNet(nn.Module):
  """The trunk: image to features of the same height and width.

  Attributes:
    filters: widths of the stages; the last one is the bottleneck's.
    statistics: over what batch norm averages.
    dtype: dtype of the computation; parameters are float32.
    running: whether batch norm keeps running averages for evaluation.
    unpooling: how the decoder stages enlarge.
  """

  filters: tuple[int, ...] = FILTERS
  statistics: Statistics = "batch"
  dtype: jnp.dtype = jnp.float32
  running: bool = True
  unpooling: Unpooling = "positions"

  def setup(self) -> None:
    """Define the stages; a deeper stage has one convolution more."""
    below = (*self.filters[:1], *self.filters[:-1])
    last = len(self.filters) - 1
    self.down = [
      self._stage((width,) * (2 if index < 2 else 3), f"encoder{index}")
      for index, width in enumerate(self.filters)
    ]
    self.up = [
      self._stage((below[index],) * (2 if index < 2 else 3), f"decoder{index}")
      for index in range(last, -1, -1)
    ]

  def _stage(self, widths: tuple[int, ...], name: str) -> ConvNormRelu:
    return ConvNormRelu(
      widths, self.statistics, self.dtype, self.running, name=name
    )

  @property
  def last_layer(self) -> tuple[str, str]:
    """Where the parameters have the last convolution."""
    return "decoder0", "conv1"

  def encode(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, list[jax.Array]]:
    """Return the bottleneck and the pooling codes, outermost first."""
    x = x.astype(self.dtype)
    codes = []
    for stage in self.down:
      x, code = max_pool(stage(x, train=train))
      codes.append(code)
    return x, codes

  def decode(
    self, x: jax.Array, codes: list[jax.Array], *, train: bool
  ) -> jax.Array:
    """Return the final features f32[B, H, W, filters[0]]."""
    for stage, code in zip(self.up, reversed(codes), strict=True):
      by_position = self.unpooling == "positions"
      larger = max_unpool(x, code) if by_position else enlarge(x)
      x = stage(larger, train=train)
    return x

  def __call__(
    self, x: jax.Array, *, train: bool, change: Change | None = None
  ) -> Features:
    """Return the features of f32[B, H, W, C], any H and W.

    Args:
      x: images or joint tensors.
      train: whether batch norm is that of training.
      change: of the bottleneck before it is decoded; the features have the
        unchanged one.
    """
    height, width = x.shape[1:3]
    bottleneck, codes = self.encode(
      pad_to_stride(x, 2 ** len(self.filters)), train=train
    )
    decoded = bottleneck if change is None else change(bottleneck)
    final = self.decode(decoded, codes, train=train)
    final = final[:, :height, :width]
    return features(bottleneck, final, (height, width), len(self.filters))


class Head(nn.Module):
  """A task's own decoder: a 3x3 and a 1x1 convolution, nothing between.

  Attributes:
    channels: channels of the output.
    dtype: dtype of the 3x3 convolution; the output is float32.
  """

  channels: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, channels], not activated."""
    del train  # no batch norm here
    final = features.maps["final"]
    x = convolution(final.shape[-1], 3, self.dtype, "conv0")(final)
    x = convolution(self.channels, 1, self.dtype, "conv1")(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
