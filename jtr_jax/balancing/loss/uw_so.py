"""UW-SO: weights that follow the inverse losses, by a soft-max."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import POSITIVE


def uw_so(
  num_tasks: int, *, temperature: Annotated[float, POSITIVE] = 1.0
) -> LossBalancer:
  """Return soft optimal uncertainty weighting: w = softmax(1 / (T L)).

  1 / L_k is the weight that uncertainty weighting converges to for a loss that
  does not change; the soft-max over tasks keeps the sum of the weights at 1.
  The gradient does not go through the weights.

  Args:
    num_tasks: K.
    temperature: T, in inverse units of the losses: small ones give all weight
      to the smallest loss, large ones equal weights.

  Source: Kirchdorfer et al., GCPR 2024 (arXiv:2408.07985). T is tuned for every
    data set and network there; the default is none of the paper's.
  """
  del num_tasks  # that of the losses

  def weigh(
    state: Tree, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del state, key
    inverse = 1 / jnp.maximum(losses, from_weights.LOSS_FLOOR)
    return from_weights.softmax(inverse / temperature, present)

  return from_weights.from_weights("uw_so", weigh)
