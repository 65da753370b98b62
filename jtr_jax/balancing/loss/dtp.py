"""DTP: difficult tasks first, by focal weights of accuracies."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.from_accuracies import from_accuracies
from jtr_jax.balancing.from_weights import Mean
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import FACTOR, NOT_NEGATIVE, Source

_LEAST = 1e-4  # accuracies are at least this inside the logarithm


def dtp(
  num_tasks: int,
  *,
  focusing: Annotated[float, NOT_NEGATIVE, Source("AMTL, released code")] = 1.0,
  ema_new_weight: Annotated[float, FACTOR, Source("AMTL, released code")] = 0.1,
  mean: Mean = "arithmetic",
) -> LossBalancer:
  """Return Dynamic Task Prioritisation: w = -(1 - a)^gamma log a.

  a is the moving average of the accuracies. Weights are not normalised; they
  are 1 before the first evaluation.

  Args:
    num_tasks: K.
    focusing: gamma.
    ema_new_weight: weight of a new accuracy in the moving average.
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

  return from_accuracies(
    "dtp", num_tasks, weigh, ema_new_weight=ema_new_weight, mean=mean
  )
