"""The mapping network of MTPSL: one for all pairs of tasks.

Every task has an input layer of its own. Behind it stands the encoding half of
SegNet, shared by all tasks and conditioned on the ordered pair by FiLM.

Source: Li et al., CVPR 2022; released MTPSL model/mapfns.py, `SegNet_enc`.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.base import pad_to_stride
from jtr_jax.models.film import FilmConv, select
from jtr_jax.models.pooling import max_pool
from jtr_jax.models.segnet import FILTERS, ConvNormRelu


class Chosen(NamedTuple):
  """Which maps of every image are to be computed: P slots each.

  A slot may be empty: its rows are zeros, and so is its map.

  Attributes:
    tasks: f32[B, P, K], one-hot, the task whose code is mapped.
    pairs: f32[B, P, K (K - 1)], one-hot, the pair on which it is conditioned.
  """

  tasks: jax.Array
  pairs: jax.Array


class MappingInput(NamedTuple):
  """What the mapping network reads.

  Attributes:
    codes: for each task f32[B, H, W, J], in order.
    chosen: the maps to compute.
  """

  codes: tuple[jax.Array, ...]
  chosen: Chosen


class MappingNet(nn.Module):
  """Codes of single tasks to the joint spaces of pairs of tasks.

  Statistics are those of each map alone, as in the released code, which calls
  the network on one code at a time. It is only ever trained, so it has no
  running averages.

  Attributes:
    tasks: names of the tasks, in order.
    filters: widths of the stages; the last one is that of the joint spaces.
    dtype: dtype of the computation; parameters are float32.
  """

  tasks: tuple[str, ...]
  filters: tuple[int, ...] = FILTERS
  dtype: jnp.dtype = jnp.float32

  def setup(self) -> None:
    """Define the input layers and the stages, as deep as SegNet's."""
    count = len(self.tasks)
    pairs = count * (count - 1)
    width = self.filters[:1]
    self.inputs = [
      ConvNormRelu(width, "image", self.dtype, False, name=f"from_{task}")
      for task in self.tasks
    ]
    self.stages = [
      [
        FilmConv(width, pairs, self.dtype, name=f"stage{index}_layer{layer}")
        for layer in range(2 if index < 2 else 3)
      ]
      for index, width in enumerate(self.filters)
    ]

  def __call__(self, given: MappingInput, *, train: bool) -> jax.Array:
    """Return the maps f32[B, P, h, w, filters[-1]].

    Args:
      given: codes and which maps to make of them.
      train: not looked at.
    """
    del train
    pairs = given.chosen.pairs
    batch, slots, _ = pairs.shape
    (first, *rest), *deeper = self.stages
    # As far as this every slot of a task has the same map.
    x = _pick(given.chosen.tasks, self._enter(given.codes, first))
    condition = pairs.reshape(batch * slots, -1)
    x = first.modulate(x, condition)
    for stage in (rest, *deeper):
      for layer in stage:
        x = layer(x, condition)
      x, _ = max_pool(x)
    return x.reshape(batch, slots, *x.shape[1:])

  def _enter(self, codes: tuple[jax.Array, ...], first: FilmConv) -> jax.Array:
    """Return [B, K, H, W, C], what is common to all maps of a task."""
    stride = 2 ** len(self.filters)
    entered = [
      layer(pad_to_stride(code.astype(self.dtype), stride), train=True)
      for layer, code in zip(self.inputs, codes, strict=True)
    ]
    stacked = jnp.stack(entered, axis=1)
    flat = first.normalise(stacked.reshape(-1, *stacked.shape[2:]))
    return flat.reshape(*stacked.shape[:2], *flat.shape[1:])


def _pick(tasks: jax.Array, maps: jax.Array) -> jax.Array:
  """Return [B P, H, W, C], for every slot the map [B, K, H, W, C] it names."""
  rows = maps.reshape(*maps.shape[:2], -1)
  return select(tasks, rows).reshape(-1, *maps.shape[2:])
