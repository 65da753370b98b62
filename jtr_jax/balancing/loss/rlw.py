"""RLW: random loss weights."""

from typing import Annotated

import jax

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_weights import Mean
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import NOT_NEGATIVE, Source


def rlw(
  num_tasks: int,
  *,
  mean: Mean = "arithmetic",
  deviation: Annotated[float, NOT_NEGATIVE, Source("RLW, Sec. 3")] = 1.0,
) -> LossBalancer:
  """Return w = softmax(e), e normal and sampled in every step; sum w = 1.

  Args:
    num_tasks: K.
    mean: "geometric" takes the weights as exponents (released AMTL code).
    deviation: standard deviation of e.

  Source: Lin et al., TMLR 2022, Sec. 3; the normal distribution.
  """

  def weigh(
    state: Tree, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del state, losses
    sampled = from_weights.draw_per_task(key, num_tasks)
    return from_weights.softmax(deviation * sampled, present)

  return from_weights.from_weights("rlw", weigh, mean=mean, samples=True)
