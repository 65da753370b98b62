"""Arithmetic whose values and gradients stay finite at the borders.

`jnp.where` over a NaN still has a NaN gradient, so every function here replaces
the input before the dangerous operation and the output after it.
"""

import chex
import jax
import jax.numpy as jnp


def widen(x: jax.Array) -> jax.Array:
  """Return x in float32, or in its own type if that is wider.

  Args:
    x: any floating or integer type, [...].

  Returns:
    f32[...] or f64[...].
  """
  return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def safe_divide(numerator: jax.Array, denominator: jax.Array) -> jax.Array:
  """Return numerator / denominator, and 0 with zero gradient where that is 0.

  Args:
    numerator: f32[...].
    denominator: f32[...], broadcastable.

  Returns:
    f32[...].
  """
  empty = denominator == 0
  quotient = numerator / jnp.where(empty, 1, denominator)
  return jnp.where(empty, 0, quotient)


def safe_norm(x: jax.Array, *, axis: int = -1) -> jax.Array:
  """Return the Euclidean norm over one axis, with gradient 0 at the origin.

  Args:
    x: f32[...].
    axis: the axis to reduce; it is kept with length 1.

  Returns:
    f32[..., 1].
  """
  square = jnp.sum(jnp.square(x), axis=axis, keepdims=True)
  zero = square == 0
  return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, square)))


def safe_unit(x: jax.Array, *, axis: int = -1) -> jax.Array:
  """Return x scaled to length 1 along one axis; the zero vector stays zero.

  Args:
    x: f32[...].
    axis: the axis that holds the vector.

  Returns:
    f32[...], of the shape of `x`.
  """
  return safe_divide(x, safe_norm(x, axis=axis))


def masked_sum(
  values: jax.Array, mask: jax.Array, *, axis: tuple[int, ...]
) -> jax.Array:
  """Return the sum of `values` where `mask`; masked entries may be NaN.

  The gradient of a masked entry is exactly 0. For a NaN that arises *inside* a
  computation use `fill` on its inputs instead.

  Args:
    values: f32[...].
    mask: bool, of the shape of `values` with or without the last axis.
    axis: axes to sum over.

  Returns:
    f32[...], `values` without `axis`.
  """
  return jnp.sum(fill(values, mask), axis=axis)


def fill(
  values: jax.Array, mask: jax.Array, value: float | int = 0
) -> jax.Array:
  """Return `values` with `value` where `mask` is False.

  Args:
    values: [..., H, W] or [..., H, W, C].
    mask: bool[..., H, W].
    value: what to put at masked places.

  Returns:
    An array like `values`.

  Raises:
    AssertionError: the mask has another shape.
  """
  chex.assert_rank(values, {mask.ndim, mask.ndim + 1})
  chex.assert_equal_shape_prefix([values, mask], mask.ndim)
  mask = mask[..., None] if values.ndim == mask.ndim + 1 else mask
  return jnp.where(mask, values, jnp.asarray(value, values.dtype))


def safe_angle_deg(a: jax.Array, b: jax.Array) -> jax.Array:
  """Return the angle between two fields of vectors of any length, in degrees.

  atan2(|a x b|, a . b) loses no digits at 0 and 180 degrees, unlike the arc
  cosine.

  Args:
    a: f32[..., 3].
    b: f32[..., 3].

  Returns:
    f32[...], in [0, 180]; 0 where either is the zero vector.

  Raises:
    AssertionError: the fields have different shapes, or other vectors.
  """
  chex.assert_equal_shape([a, b])
  chex.assert_axis_dimension(a, -1, 3)
  cross = safe_norm(jnp.cross(a, b))[..., 0]
  dot = jnp.sum(a * b, axis=-1)
  origin = (cross == 0) & (dot == 0)
  return jnp.rad2deg(jnp.arctan2(cross, jnp.where(origin, 1, dot)))
