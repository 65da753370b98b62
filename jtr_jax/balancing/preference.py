"""Preferences among tasks, for balancers that take them."""

from collections.abc import Callable
from typing import Annotated, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.solvers import simplex
from jtr_jax.core import errors, numerics
from jtr_jax.core.fields import POSITIVE

Preference: TypeAlias = Annotated[tuple[float, ...], POSITIVE]
"""A positive number for each task in order; () prefers none."""


def preferred(
  preference: Preference, num_tasks: int
) -> Callable[[jax.Array, jnp.dtype], jax.Array]:
  """Return (present bool[K], dtype) -> the present tasks' shares, f32[K].

  Shares add up to 1 over the present tasks and are 0 for the others.

  Args:
    preference: in any unit.
    num_tasks: K.

  Raises:
    ValueError: another number of tasks, or a number that is not positive.
  """
  if not preference:
    return simplex.uniform
  values = from_weights.per_task(preference, num_tasks, "preference")
  if not (values > 0).all():
    raise ValueError(
      errors.message(
        "A preference is not positive",
        found=f"{preference}",
        expected="numbers above 0",
        do="Leave a task out of `tasks` instead of preferring it by 0.",
      )
    )

  def shares(present: jax.Array, dtype: jnp.dtype) -> jax.Array:
    kept = jnp.where(present, jnp.asarray(values, dtype), 0)
    return numerics.safe_divide(kept, jnp.sum(kept))

  return shares
