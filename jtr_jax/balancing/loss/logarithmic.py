"""The sum of the logarithms of the losses."""

import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.loss_balancer import LossBalancer


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
