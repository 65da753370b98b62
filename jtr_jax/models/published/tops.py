"""Tops of published classifiers: pooling and linear layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.backbones.inverted_residual import (
  InvertedResidualSettings,
  layer,
)
from jtr_jax.models.base import FLOAT32, Compute
from jtr_jax.models.layers import LayerNorm, global_average
from jtr_jax.models.resize import resize

POOLED = 7
"""Side of the map that VGG's classifier reads, pixels."""


class LinearTop(nn.Module):
  """Global pooling, a norm where there is one, and a linear layer.

  Attributes:
    classes: channels of the output.
    source: the map that is pooled.
    epsilon: of layer norm; 0 for no norm.
    compute: how it is computed.
  """

  classes: int
  source: str
  epsilon: float = 0.0
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(
    self, image: jax.Array, maps: dict[str, jax.Array], *, train: bool
  ) -> dict[str, jax.Array]:
    """Return "output", f[B, classes]."""
    del image, train  # nothing is dropped
    dtype = self.compute.dtype
    x = global_average(maps[self.source])
    if self.epsilon:
      x = LayerNorm(self.epsilon, self.compute, name="norm")(x)
    return {"output": nn.Dense(self.classes, dtype=dtype, name="linear")(x)}


class ConvTop(nn.Module):
  """A 1x1 convolution, global pooling and a linear layer.

  Attributes:
    classes: channels of the output.
    source: the map that is read.
    settings: of the backbone.
    compute: how it is computed.
  """

  classes: int
  source: str
  settings: InvertedResidualSettings
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(
    self, image: jax.Array, maps: dict[str, jax.Array], *, train: bool
  ) -> dict[str, jax.Array]:
    """Return "top", the map behind the convolution, and "output"."""
    del image
    wide = layer(self.settings, self.compute, "conv", self.settings.top, size=1)
    x = wide(maps[self.source], train)
    dense = nn.Dense(self.classes, dtype=self.compute.dtype, name="linear")
    return {"top": x, "output": dense(global_average(x))}


class WideTop(nn.Module):
  """VGG's: pooling to 7x7 pixels, then three linear layers.

  Attributes:
    classes: channels of the output.
    source: the map that is pooled.
    width: of the first two layers.
    compute: how it is computed.
  """

  classes: int
  source: str
  width: int = 4096
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(
    self, image: jax.Array, maps: dict[str, jax.Array], *, train: bool
  ) -> dict[str, jax.Array]:
    """Return "output", f[B, classes]."""
    del image, train  # nothing is dropped
    x = resize(maps[self.source], (POOLED, POOLED), "mean")
    x = jnp.reshape(x, (len(x), -1))
    for index, width in enumerate((self.width, self.width, self.classes)):
      layer = nn.Dense(width, dtype=self.compute.dtype, name=f"linear{index}")
      x = layer(x if index == 0 else nn.relu(x))
    return {"output": x}
