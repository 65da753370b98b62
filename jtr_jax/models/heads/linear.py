"""The least that a head can be: a linear layer, at every place or of the image.

Source: the linear evaluation of Oquab et al. 2024 (DINOv2), without its norm.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.models.base import FLOAT32, Compute, Features
from jtr_jax.models.convolution import convolution
from jtr_jax.models.heads.full_size import full_size
from jtr_jax.models.layers import global_average
from jtr_jax.models.resize import resize


class LinearHead(nn.Module):
  """One linear layer at every place of the maps, joined at the finest one.

  Attributes:
    channels: of the output.
    sources: names of the maps, the finest first.
    compute: how it is computed.
  """

  channels: int
  sources: tuple[str, ...]
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, H, W, channels], not activated."""
    del train  # no batch norm here
    maps = [features.maps[source] for source in self.sources]
    size = maps[0].shape[1], maps[0].shape[2]
    x = jnp.concatenate([resize(x, size) for x in maps], axis=-1)
    x = convolution(self.channels, 1, self.compute.dtype, "out")(x)
    return full_size(x, features)


class PooledHead(nn.Module):
  """Means of the deepest map, then a linear layer: for images or their cells.

  Attributes:
    channels: of the output.
    compute: how it is computed.
    grid: rows and columns of the output; (1, 1) for the image as a whole.
  """

  channels: int
  compute: Compute = FLOAT32
  grid: tuple[int, int] = (1, 1)

  @nn.compact
  def __call__(self, features: Features, *, train: bool) -> jax.Array:
    """Return f32[B, rows, columns, channels], not activated."""
    del train  # no batch norm here
    deepest = features.bottleneck
    if self.grid == (1, 1):
      x = global_average(deepest)[:, None, None]
    else:
      rows = cell_means(deepest.shape[1], self.grid[0])
      columns = cell_means(deepest.shape[2], self.grid[1])
      x = jnp.einsum("rh,bhwc,qw->brqc", rows, deepest, columns)
    x = convolution(self.channels, 1, self.compute.dtype, "out")(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def cell_means(length: int, cells: int) -> np.ndarray:
  """Return f32[cells, length]: what each cell of an axis averages.

  A cell takes every place that it overlaps; where there are more cells than
  places, neighbouring cells have the same mean.
  """
  number = np.arange(cells)[:, None]
  place = np.arange(length)[None]
  first, last = number * length // cells, -(-(number + 1) * length // cells)
  inside = ((place >= first) & (place < last)).astype(np.float32)
  return inside / inside.sum(axis=1, keepdims=True)
