"""The arrays that flow through the program, and the words for their axes.

Axes: B images of a batch, V views, K tasks, H and W pixels, C channels,
J joint channels. Layout is NHWC, images are f32 in [0, 1].
"""

import dataclasses
from typing import NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp

from jtr_jax.core import numerics


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Label:
  """The target of one task for a batch of images.

  Attributes:
    value: [..., B, H, W] (class ids) or [..., B, H, W, C]; anything, NaN
      included, where `mask` is False.
    valid: bool[..., B, H, W], this pixel has ground truth.
    present: bool[..., B], this image is labelled for the task.
    known: bool[..., B, C], the classes that the data set of this image labels,
      or that it cannot show; None: all, in every image. A pixel counts in the
      IoU of these classes alone. Which classes a pixel may have is in its
      value, see `tasks.class_sets`.
  """

  value: jax.Array
  valid: jax.Array
  present: jax.Array
  known: jax.Array | None = None

  @property
  def mask(self) -> jax.Array:
    """bool[..., B, H, W]: the pixels that count, valid in a labelled image."""
    chex.assert_shape(self.valid, (*self.present.shape, None, None))
    return self.valid & self.present[..., None, None]


Labels: TypeAlias = dict[str, Label]
"""Every task has an entry, whatever is present: one compilation for all."""

Predictions: TypeAlias = dict[str, jax.Array]
"""Activated outputs of the decoders, f32[..., B, H, W, C] for each task."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Weighted:
  """Sums and what they weigh, per image; averaged only at the very end.

  Attributes:
    sum: f32[B], weighted sum over the counted pixels of an image.
    weight: f32[B], total weight of these pixels; 0 for an image without any.
  """

  sum: jax.Array
  weight: jax.Array

  def per_image(self) -> jax.Array:
    """Return f32[B]: the mean of each image, 0 with zero gradient if empty."""
    chex.assert_equal_shape([self.sum, self.weight])
    return numerics.safe_divide(self.sum, self.weight)

  def mean(self) -> jax.Array:
    """Return f32[]: the mean over all counted pixels of the batch."""
    return numerics.safe_divide(jnp.sum(self.sum), jnp.sum(self.weight))


class ViewSpec(NamedTuple):
  """How a view of a sample is made.

  Attributes:
    parent: the view whose geometry is the starting point, None for the sample.
    geometric: crop (and flip) again; otherwise the parent's geometry is kept,
      pixel by pixel, and only the colours are sampled again.
    trains: the network may learn from it, and it shares batch norm with the
      other views that train. Otherwise it is run apart, in training mode with
      batch statistics of its own, which are not kept, and without gradient.
  """

  parent: int | None
  geometric: bool = True
  trains: bool = True
