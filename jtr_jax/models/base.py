"""The contract of networks: an encoder gives `Features`, a head takes them.

What is shared belongs to the encoder, what a task has for itself to its head.
Balancing sees the difference: a shared ASPP is the end of the encoder, an own
one the beginning of a head.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

Tree: TypeAlias = Any
"""A nested dictionary of arrays."""

HeadName: TypeAlias = Literal[
  "deeplabv3", "deeplabv3_plus", "fpn", "dpt", "linear"
]
"""What every task may have on top of the encoder; see `heads.registry`."""

SHARED = "shared"
"""Name of the map that a neck makes for all heads."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Features:
  """Features of an encoder: named maps of one batch.

  Attributes:
    maps: name -> f32[..., B, h, w, C].
    strides: (name, pixels of the image for one of the map), the finest map
      first; static.
    size: (H, W) of the image; static.
    covered: (H, W) that the maps cover, more than `size` if the image was
      padded below and to the right; static.
  """

  maps: dict[str, jax.Array]
  strides: tuple[tuple[str, int], ...] = dataclasses.field(
    metadata={"static": True}
  )
  size: tuple[int, int] = dataclasses.field(metadata={"static": True})
  covered: tuple[int, int] = dataclasses.field(metadata={"static": True})

  @property
  def names(self) -> tuple[str, ...]:
    """Of the maps, the finest first."""
    return tuple(name for name, _ in self.strides)

  @property
  def bottleneck(self) -> jax.Array:
    """The deepest map, which MTPSL's regulariser looks at."""
    return self.maps[self.names[-1]]


@dataclasses.dataclass(frozen=True)
class Compute:
  """How a network is computed; its parameters are the same.

  Attributes:
    dtype: dtype of the computation; parameters and statistics are float32.
    remat: compute the maps inside of a block a second time in the backward
      pass, instead of keeping them: less memory, about a third more time.
    frozen_norm: batch norm uses its running statistics in training, too, and
      leaves them as they are.
  """

  dtype: Any = jnp.float32
  remat: bool = False
  frozen_norm: bool = False


FLOAT32 = Compute()
"""Plainly, in float32."""


def scaled_width(width: int, factor: float) -> int:
  """Return a width times a factor, a multiple of 4; the width itself for 1."""
  return width if factor == 1 else max(4, 4 * round(width * factor / 4))


def scaled_depth(depth: int, factor: float) -> int:
  """Return a depth times a factor, 1 at least."""
  return max(1, round(depth * factor))


def apply(
  module: nn.Module,
  params: Tree,
  state: Mapping[str, Tree],
  inputs: Any,
  *,
  train: bool,
  key: jax.Array | None = None,
  **arguments: Any,
) -> tuple[Any, Tree]:
  """Return a module's output and its new state (the old one if not `train`).

  Args:
    module: called as module(inputs, train=train).
    params: its parameters.
    state: its batch statistics, empty for none.
    inputs: what it reads.
    train: whether it trains.
    key: for dropout; a module without any needs none.
    **arguments: more of the module's call.
  """
  variables = {"params": params, **({"batch_stats": state} if state else {})}
  if not train:
    return module.apply(variables, inputs, train=False, **arguments), state
  output, updated = module.apply(
    variables,
    inputs,
    train=True,
    mutable=["batch_stats"],
    rngs=None if key is None else {"dropout": key},
    **arguments,
  )
  return output, updated.get("batch_stats", {})


def pad_to_stride(x: jax.Array, stride: int) -> jax.Array:
  """Return x [B, H, W, C] with its lower and right border repeated.

  Args:
    x: an image or a feature map.
    stride: H and W become multiples of it.

  Returns:
    The padded array; x itself where nothing is missing.
  """
  for axis in (1, 2):
    missing = -x.shape[axis] % stride
    if missing:  # not `jnp.pad`: exported, it leaves blocks of no width
      last = x[:, -1:] if axis == 1 else x[:, :, -1:]
      x = jnp.concatenate([x, jnp.repeat(last, missing, axis)], axis)
  return x
