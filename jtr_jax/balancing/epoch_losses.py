"""Mean losses of epochs, accumulated step by step, and speeds of tasks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.loss_balancer import Observation
from jtr_jax.core import numerics


class EpochMeans(NamedTuple):
  """Mean losses of this, the last and the last but one epoch.

  Attributes:
    total: f32[K], sum of this epoch's losses so far.
    steps: f32[K], steps of this epoch in which the task was present.
    last: f32[K], mean of the last epoch in which it was, NaN before.
    before: f32[K], of the one before, NaN before.
    epochs: i32[], epochs done.
    long_total: f32[K], sum of the means of all epochs.
    measured: f32[K], how many they are.
  """

  total: jax.Array
  steps: jax.Array
  last: jax.Array
  before: jax.Array
  epochs: jax.Array
  long_total: jax.Array
  measured: jax.Array


def start(num_tasks: int) -> EpochMeans:
  """Return the means before the first step."""
  zeros, unknown = jnp.zeros(num_tasks), jnp.full(num_tasks, jnp.nan)
  first = jnp.zeros((), jnp.int32)
  return EpochMeans(zeros, zeros, unknown, unknown, first, zeros, zeros)


def include(means: EpochMeans, seen: Observation, period: int) -> EpochMeans:
  """Return the means with a step more; an epoch has `period` steps."""
  total = means.total + jnp.where(seen.present, seen.losses, 0)
  means = means._replace(total=total, steps=means.steps + seen.present)
  ends = (seen.step + 1) % period == 0
  return jax.tree.map(
    lambda new, old: jnp.where(ends, new, old), close(means), means
  )


def close(means: EpochMeans) -> EpochMeans:
  """Return the means after the end of an epoch.

  A task without a label in it keeps its last mean, so that its speed is 1.
  """
  measured = means.steps > 0
  mean = numerics.safe_divide(means.total, means.steps)
  last = jnp.where(measured, mean, means.last)
  zeros = jnp.zeros_like(means.total)
  return EpochMeans(
    total=zeros,
    steps=zeros,
    last=last,
    before=jnp.where(jnp.isnan(means.last), last, means.last),
    epochs=means.epochs + 1,
    long_total=means.long_total + jnp.where(measured, mean, 0),
    measured=means.measured + measured,
  )


def ratio(above: jax.Array, below: jax.Array) -> jax.Array:
  """Return f32[K], above / below, and 1 where that is not known."""
  known = jnp.isfinite(above) & jnp.isfinite(below) & (below > 0)
  quotient = jnp.where(known, above, 1) / jnp.where(known, below, 1)
  return jnp.where(known, quotient, 1)


def speed_weights(
  exponents: jax.Array, state: EpochMeans, present: jax.Array
) -> jax.Array:
  """Return K softmax(exponents) over the K present tasks.

  Args:
    exponents: f32[K].
    state: the means; in the first two epochs all weights are 1.
    present: bool[K].

  Returns:
    f32[K].
  """
  weights = from_weights.count(present) * from_weights.softmax(
    exponents, present
  )
  return jnp.where(state.epochs < 2, 1, weights)
