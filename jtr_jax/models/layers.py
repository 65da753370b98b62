"""Layers that several families of networks are made of."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import FLOAT32, Compute
from jtr_jax.models.convolution import Padding, convolution
from jtr_jax.models.normalization import BatchNorm


class ConvNorm(nn.Module):
  """Convolution without bias, batch norm, activation.

  Attributes:
    width: channels of the output.
    size: of the kernel.
    stride: steps of the kernel.
    dilation: distance of the kernel's entries.
    groups: how many parts the channels are divided into.
    activation: what follows batch norm, None for nothing.
    bias: whether the convolution has one all the same.
    padding: see `convolution`.
    epsilon: added to the variance.
    momentum: fraction of the old running value that an update keeps.
    compute: how it is computed.
  """

  width: int
  size: int = 3
  stride: int = 1
  dilation: int = 1
  groups: int = 1
  activation: Callable[[jax.Array], jax.Array] | None = nn.relu
  bias: bool = False
  padding: Padding = "symmetric"
  epsilon: float = 1e-5
  momentum: float = 0.9
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Return f[B, H', W', width] of x [B, H, W, C]."""
    x = convolution(
      self.width,
      self.size,
      self.compute.dtype,
      "conv",
      stride=self.stride,
      dilation=self.dilation,
      groups=self.groups,
      bias=self.bias,
      padding=self.padding,
    )(x)
    x = BatchNorm(
      epsilon=self.epsilon,
      momentum=self.momentum,
      dtype=self.compute.dtype,
      name="norm",
    )(x, train=train and not self.compute.frozen_norm)
    return x if self.activation is None else self.activation(x)


class LayerNorm(nn.Module):
  """Normalise the channels of every pixel or token; in float32 at least.

  Attributes:
    epsilon: added to the variance.
    compute: how it is computed.
  """

  epsilon: float
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Return the normalised x [..., C]."""
    width = x.shape[-1]
    scale = self.param("scale", nn.initializers.ones, (width,))
    bias = self.param("bias", nn.initializers.zeros, (width,))
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    centred = wide - jnp.mean(wide, axis=-1, keepdims=True)
    var = jnp.mean(jnp.square(centred), axis=-1, keepdims=True)
    out = centred * jax.lax.rsqrt(var + self.epsilon) * scale + bias
    return out.astype(self.compute.dtype)


def max_pool_3x3(x: jax.Array) -> jax.Array:
  """Return the maxima of 3x3 windows, 2 apart, of x [B, H, W, C]."""
  return nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))


def global_average(x: jax.Array) -> jax.Array:
  """Return f[B, C], the mean over the pixels of x [B, H, W, C] in float32."""
  wide = jnp.promote_types(x.dtype, jnp.float32)
  return jnp.mean(x.astype(wide), axis=(1, 2)).astype(x.dtype)
