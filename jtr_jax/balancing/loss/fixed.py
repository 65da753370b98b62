"""Constant weights."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Annotated

import jax.numpy as jnp

from jtr_jax.balancing import constant_weights, from_weights
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import NOT_NEGATIVE, Source


@constant_weights.declare("weights")
def fixed(
  num_tasks: int,
  *,
  weights: Annotated[tuple[float, ...], NOT_NEGATIVE] = (),
  primary: int = 0,
  auxiliary_weight: Annotated[
    float, NOT_NEGATIVE, Source("IAL, Tables VIII, IX")
  ] = 0.1,
) -> LossBalancer:
  """Return sum_k w_k L_k with constant weights.

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
    "fixed", lambda state, losses, present, key: jnp.asarray(chosen)
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
    values: of the weight of an auxiliary task.
    primary: index of the task whose weight is 1.

  Source: IAL, Table VIII: a grid in [0.1, 0.5); its step is not given.
  """
  for point in itertools.product(values, repeat=num_tasks - 1):
    yield (*point[:primary], 1.0, *point[primary:])
