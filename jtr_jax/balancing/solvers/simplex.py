"""The probability simplex over the present tasks."""

import jax
import jax.numpy as jnp


def project(point: jax.Array, present: jax.Array) -> jax.Array:
  """Return the nearest w with w_k >= 0 and sum_k w_k = 1.

  Args:
    point: f32[K].
    present: bool[K]; the others get 0.

  Returns:
    f32[K].

  Source: Held, Wolfe and Crowder 1974 (Mathematical Programming 6).
  """
  ranked = -jnp.sort(jnp.where(present, -point, jnp.inf))
  counted = jnp.where(jnp.isfinite(ranked), ranked, 0)
  count = jnp.arange(1, point.size + 1, dtype=point.dtype)
  excess = (jnp.cumsum(counted) - 1) / count
  last = jnp.maximum(jnp.sum(ranked > excess), 1) - 1
  return jnp.where(present, jnp.maximum(point - excess[last], 0), 0)


def uniform(present: jax.Array, dtype: jnp.dtype) -> jax.Array:
  """Return 1 / (number of present tasks) for each of them.

  Args:
    present: bool[K].
    dtype: of the result.
  """
  share = present.astype(dtype)
  return share / jnp.maximum(jnp.sum(share), 1)
