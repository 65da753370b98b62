"""One learned weight for each objective, of which a task may have several."""

import math

import jax
import jax.numpy as jnp

from jtr_jax.balancing.learned_weights import clip_exponent, learned_weights
from jtr_jax.balancing.loss_balancer import LossBalancer


def miraliev(num_tasks: int) -> LossBalancer:
  """Return one learned weight for each of several objectives, Miraliev-like.

  0.5 exp(-s) L + log(1 + exp(s / 2)^2). Because the regulariser is positive, no
  objective of a task can outweigh the others by a negative one.

  Args:
    num_tasks: number of objectives; a task may have several.

  Source: Miraliev et al., IEEE T-IV 9(1), 2024, known from its abstract: an
    approximation. What is certain: every objective inside a task has a weight.
  """

  def terms(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    s = clip_exponent(parameter)
    return 0.5 * jnp.exp(-s) * losses + jnp.log1p(jnp.exp(s))

  return learned_weights(
    "miraliev",
    num_tasks,
    parameter="log_variance",
    start=-math.log(2),  # every weight is 1
    terms=terms,
  )
