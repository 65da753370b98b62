"""Optimisers with the papers' schedules."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax


def adam(
  *, learning_rate: float, decay_rate: float, decay_steps: int
) -> optax.GradientTransformation:
  """Return Adam whose learning rate falls in steps.

  Args:
    learning_rate: at the start; 1e-4 in the papers.
    decay_rate: factor of every fall; 0.5 in the papers.
    decay_steps: updates from one fall to the next.

  Returns:
    The transformation, betas 0.9 and 0.999, epsilon 1e-8.

  Source: released train_nyuv2.py: torch Adam and StepLR.
  """
  return optax.adam(staircase(learning_rate, decay_rate, decay_steps))


def staircase(
  start: float, factor: float, steps: int
) -> Callable[[jax.Array], jax.Array]:
  """Return the schedule count -> start * factor ** floor(count / steps).

  Args:
    start: the first value.
    factor: of every fall.
    steps: counts from one fall to the next.

  Returns:
    A function of an integer.

  Deviations: `optax.exponential_decay` divides floats, and for some `steps`
    falls one count late.
  """

  def schedule(count: jax.Array) -> jax.Array:
    falls = jnp.asarray(count // steps, float)
    return start * jnp.power(factor, falls)

  return schedule
