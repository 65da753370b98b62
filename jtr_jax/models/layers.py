"""Layers that several families of networks are made of."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import Compute
from jtr_jax.models.convolution import convolution
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
    epsilon: added to the variance.
    momentum: share of the old running value that an update keeps.
    compute: how it is computed.
  """

  width: int
  size: int = 3
  stride: int = 1
  dilation: int = 1
  groups: int = 1
  activation: Callable[[jax.Array], jax.Array] | None = nn.relu
  bias: bool = False
  epsilon: float = 1e-5
  momentum: float = 0.9
  compute: Compute = Compute()

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
    )(x)
    x = BatchNorm(
      epsilon=self.epsilon,
      momentum=self.momentum,
      dtype=self.compute.dtype,
      name="norm",
    )(x, train=train and not self.compute.frozen_norm)
    return x if self.activation is None else self.activation(x)


def max_pool_3x3(x: jax.Array) -> jax.Array:
  """Return the maxima of 3x3 windows, 2 apart, of x [B, H, W, C]."""
  return nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))


def global_average(x: jax.Array) -> jax.Array:
  """Return f[B, C], the mean over the pixels of x [B, H, W, C] in float32."""
  wide = jnp.promote_types(x.dtype, jnp.float32)
  return jnp.mean(x.astype(wide), axis=(1, 2)).astype(x.dtype)
