"""Weights that never change, and log L, whose gradients have no scale."""

import itertools
from collections.abc import Iterator, Sequence

import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import LossBalancer


def uniform(num_tasks: int) -> LossBalancer:
  """Return the sum of the losses.

  Args:
    num_tasks: K.
  """
  del num_tasks  # it is that of the losses
  return from_weights.from_weights(
    "uniform", lambda state, losses, present, key: jnp.ones_like(losses)
  )


def fixed(
  num_tasks: int,
  *,
  weights: tuple[float, ...] = (),
  primary: int = 0,
  auxiliary_weight: float = 0.1,
) -> LossBalancer:
  """Return sum_k w_k L_k with weights that never change.

  Args:
    num_tasks: K.
    weights: one for each task; () for 1 and `auxiliary_weight`.
    primary: index of the task with weight 1.
    auxiliary_weight: of all others.

  Source: IAL, Tables VIII and IX: 1.0 for the primary task, 0.1 for others.
  """
  values = weights or tuple(
    1.0 if k == primary else auxiliary_weight for k in range(num_tasks)
  )
  chosen = from_weights.per_task(values, num_tasks, "weights")
  return from_weights.from_weights(
    "fixed", lambda state, losses, present, key: chosen
  )


def grid(
  num_tasks: int,
  values: Sequence[float] = (0.1, 0.2, 0.3, 0.4),
  *,
  primary: int = 0,
) -> Iterator[tuple[float, ...]]:
  """Yield the weights of a grid search over the auxiliary tasks.

  Args:
    num_tasks: K.
    values: that the weight of an auxiliary task takes.
    primary: index of the task whose weight is 1.

  Source: IAL, Table VIII: a grid in [0.1, 0.5); its step is not given.
  """
  for point in itertools.product(values, repeat=num_tasks - 1):
    yield (*point[:primary], 1.0, *point[primary:])


def logarithmic(num_tasks: int) -> LossBalancer:
  """Return sum_k log L_k, whose gradients do not depend on the losses' scales.

  Args:
    num_tasks: K.

  Source: Lin et al. 2023 (DB-MTL), the loss-scale half.
  """
  return from_weights.from_weights(
    "logarithmic",
    lambda state, losses, present, key: jnp.ones(num_tasks),
    mean="logarithmic",
  )
