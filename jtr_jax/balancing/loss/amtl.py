"""AMTL: tasks far from their single-task accuracy have more weight."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.from_accuracies import from_accuracies
from jtr_jax.balancing.from_weights import Mean
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import FACTOR, NOT_NEGATIVE, Source


def amtl(
  num_tasks: int,
  *,
  potentials: Annotated[tuple[float, ...], FACTOR] = (),
  margin: Annotated[float, NOT_NEGATIVE, Source("AMTL, released code")] = 0.05,
  focusing: Annotated[float, NOT_NEGATIVE, Source("AMTL, released code")] = 2.0,
  ema_new_weight: Annotated[float, FACTOR, Source("AMTL, released code")] = 0.1,
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
    ema_new_weight: weight of a new accuracy in the moving average.
    mean: "arithmetic" is the ablation sum_k w_k L_k.

  Source: Yun and Cho, ICCV 2023; formulas and defaults of the released code
    (core/losses/multi_task/accuracy_based.py) and its configs.
  Deviations: an achievement above 1 counts as 1, where the released code lets
    the weight grow again; weights are a soft-max over the present tasks, where
    it multiplies by the loss 0 of an absent one.
  """
  values = from_weights.per_task(
    potentials or (1.0,) * num_tasks, num_tasks, "potentials"
  )

  def weigh(
    state: jax.Array, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del losses, key
    best = (1 + margin) * jnp.asarray(values)
    achieved = jnp.where(jnp.isfinite(state), state, 0) / best
    lacking = jnp.power(jnp.maximum(1 - achieved, 0), focusing)
    return from_weights.softmax(lacking, present)

  return from_accuracies(
    "amtl", num_tasks, weigh, ema_new_weight=ema_new_weight, mean=mean
  )
