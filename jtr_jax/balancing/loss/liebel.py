"""Uncertainty weighting with a regulariser that is never negative."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.learned_weights import learned_weights
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.balancing.uncertainty import LEAST_VARIANCE
from jtr_jax.core.fields import POSITIVE


def liebel(
  num_tasks: int, *, initial: Annotated[float, POSITIVE] = 1.0
) -> LossBalancer:
  """Return sum_k L_k / (2 c_k^2) + log(1 + c_k^2) with learned c.

  The minimum is where 2 c^4 = L (1 + c^2).

  Args:
    num_tasks: K.
    initial: c at the start.

  Source: Liebel and Koerner 2018, Eq. (3).
  """

  def terms(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    square = jnp.maximum(jnp.square(parameter), LEAST_VARIANCE)
    return losses / (2 * square) + jnp.log1p(square)

  return learned_weights(
    "liebel", num_tasks, parameter="c", start=initial, terms=terms
  )
