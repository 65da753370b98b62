"""Weights from measured accuracies: DTP and AMTL.

Accuracies are in (0, 1], higher is better, and are measured by evaluations;
before the first one all tasks weigh the same.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import LossBalancer, Need, Tree
from jtr_jax.balancing.from_weights import Mean

_LEAST = 1e-4  # accuracies are at least this inside the logarithm


def dtp(
  num_tasks: int,
  *,
  focusing: float = 1.0,
  new_share: float = 0.1,
  mean: Mean = "arithmetic",
) -> LossBalancer:
  """Return Dynamic Task Prioritisation: w = -(1 - a)^gamma log a.

  a is the moving average of the accuracies. Weights are not normalised; they
  are 1 before the first evaluation.

  Args:
    num_tasks: K.
    focusing: gamma.
    new_share: what a new accuracy counts in the average.
    mean: "geometric" takes the weights as exponents (released AMTL code).

  Source: Guo et al., ECCV 2018, Eq. (4) and (5), task level; defaults of the
    released code of AMTL.
  Deviations: the example-level half (focal losses) belongs to the tasks.
  """

  def weigh(
    state: jax.Array, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del losses, present, key
    known = jnp.isfinite(state)
    accuracy = jnp.clip(jnp.where(known, state, 1), _LEAST, 1)
    weights = -jnp.power(1 - accuracy, focusing) * jnp.log(accuracy)
    return jnp.where(known, weights, 1)

  return _judged("dtp", num_tasks, weigh, new_share, mean)


def amtl(
  num_tasks: int,
  *,
  potentials: tuple[float, ...] = (),
  margin: float = 0.05,
  focusing: float = 2.0,
  new_share: float = 0.1,
  mean: Mean = "geometric",
) -> LossBalancer:
  """Return achievement-based training progress balancing.

  a_k = (moving average of the accuracy) / ((1 + margin) potential_k),
  w = softmax(max(0, 1 - a)^gamma), objective prod_k L_k^(w_k).

  Args:
    num_tasks: K.
    potentials: accuracy of each task in single-task training; () for 1 each,
      that is, measured against a perfect score.
    margin: by how much the potentials may be surpassed.
    focusing: gamma.
    new_share: what a new accuracy counts in the average.
    mean: "arithmetic" is the ablation sum_k w_k L_k.

  Source: Yun and Cho, ICCV 2023; formulas and defaults of the released code
    (core/losses/multi_task/accuracy_based.py) and its configs.
  Deviations: an achievement above 1 counts as 1, where the released code lets
    the weight grow again; weights are a soft-max over the present tasks, where
    it multiplies by the loss 0 of an absent one.
  """
  best = (1 + margin) * from_weights.per_task(
    potentials or (1.0,) * num_tasks, num_tasks, "potentials"
  )

  def weigh(
    state: jax.Array, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del losses, key
    achieved = jnp.where(jnp.isfinite(state), state, 0) / best
    lacking = jnp.power(jnp.maximum(1 - achieved, 0), focusing)
    return from_weights.softmax(lacking, present)

  return _judged("amtl", num_tasks, weigh, new_share, mean)


def _judged(
  name: str,
  num_tasks: int,
  weigh: from_weights.Weigh,
  new_share: float,
  mean: Mean,
) -> LossBalancer:
  """Return the balancer whose state is the moving average of accuracies."""
  return from_weights.from_weights(
    name,
    weigh,
    init=lambda: jnp.full(num_tasks, jnp.nan),
    judge=_moving_average(new_share),
    needs=Need.VALIDATION_METRICS,
    mean=mean,
  )


def _moving_average(
  new_share: float,
) -> Callable[[Tree, jax.Array], Tree]:
  def judge(state: jax.Array, accuracy: jax.Array) -> jax.Array:
    mixed = new_share * accuracy + (1 - new_share) * state
    mixed = jnp.where(jnp.isfinite(state), mixed, accuracy)
    return jnp.where(jnp.isfinite(accuracy), mixed, state)

  return judge
