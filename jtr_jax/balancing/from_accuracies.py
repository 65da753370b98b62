"""Loss balancers whose weights follow measured accuracies.

Accuracies are in (0, 1], higher is better, and are measured by evaluations;
before the first one all tasks have the same weight.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_weights import Mean, Weigh
from jtr_jax.balancing.loss_balancer import LossBalancer, Need


def from_accuracies(
  name: str,
  num_tasks: int,
  weigh: Weigh,
  *,
  ema_new_weight: float,
  mean: Mean,
) -> LossBalancer:
  """Return the loss balancer of weights that depend on average accuracies.

  Args:
    name: in configs and logs.
    num_tasks: K.
    weigh: (accuracies f32[K], losses, present, key) -> weights f32[K]; the
      state is the moving average of the accuracies, NaN before the first one.
    ema_new_weight: weight of a new accuracy in the moving average.
    mean: how the weighted losses are combined.
  """
  return from_weights.from_weights(
    name,
    weigh,
    init=lambda: jnp.full(num_tasks, jnp.nan),
    update_from_accuracies=_moving_average(ema_new_weight),
    needs=Need.VALIDATION_METRICS,
    mean=mean,
  )


def _moving_average(new_weight: float) -> Callable[[Tree, jax.Array], Tree]:
  """Return (state, accuracies) -> state; unmeasured ones are left out."""

  def update(state: jax.Array, accuracy: jax.Array) -> jax.Array:
    mixed = new_weight * accuracy + (1 - new_weight) * state
    mixed = jnp.where(jnp.isfinite(state), mixed, accuracy)
    return jnp.where(jnp.isfinite(accuracy), mixed, state)

  return update
