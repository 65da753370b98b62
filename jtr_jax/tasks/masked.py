"""Masked sums: values outside the mask have no effect."""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Weighted

_PIXELS = (-2, -1)


def loss_sums(
  pixel_loss: Callable[..., jax.Array], mask: jax.Array, *fields: jax.Array
) -> Weighted:
  """Return a loss summed over the masked-in pixels of each image.

  The fields are filled with 0 outside the mask *before* the loss sees them, so
  nothing that stands there, NaN included, reaches a value or a gradient.

  Args:
    pixel_loss: maps the fields, in float32 or wider, to [..., H, W].
    mask: bool[..., H, W], the pixels that count.
    *fields: floats [..., H, W, C] or class ids i32[..., H, W].

  Returns:
    Weighted, f32[...] each; the weight is the number of counted pixels.
  """
  filled = (numerics.fill(_floats_wide(field), mask) for field in fields)
  losses = pixel_loss(*filled)
  return Weighted(
    numerics.masked_sum(losses, mask, axis=_PIXELS),
    jnp.sum(mask, axis=_PIXELS, dtype=losses.dtype),
  )


def absolute_error(a: jax.Array, b: jax.Array) -> jax.Array:
  """Return f32[..., H, W]: |a - b|, the mean over the channels."""
  chex.assert_equal_shape([a, b])
  return jnp.mean(jnp.abs(a - b), axis=-1)


def count(where: jax.Array) -> jax.Array:
  """Return i32[]: how many entries are True."""
  return jnp.sum(where, dtype=jnp.int32)


def histogram(index: jax.Array, where: jax.Array, size: int) -> jax.Array:
  """Return i32[size]: how often each index occurs where `where` is True.

  Args:
    index: i32[...], in [0, size) where `where`, anything elsewhere.
    where: bool[...].
    size: number of bins.

  Returns:
    i32[size].
  """
  index = jnp.where(where, index, 0).ravel()
  weight = where.ravel().astype(jnp.int32)
  return jnp.zeros(size, jnp.int32).at[index].add(weight, mode="drop")


def ratio(total: np.ndarray, count: np.ndarray) -> float:
  """Return total / count on the host, NaN where nothing was counted."""
  return float(total / count) if count else float("nan")


def _floats_wide(field: jax.Array) -> jax.Array:
  is_float = jnp.issubdtype(field.dtype, jnp.floating)
  return numerics.widen(field) if is_float else field
