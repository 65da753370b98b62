"""RLW: random loss weights."""

import jax

from jtr_jax.balancing import weighting
from jtr_jax.balancing.base import LossBalancer, Tree
from jtr_jax.balancing.weighting import Mean


def rlw(
  num_tasks: int,
  *,
  mean: Mean = "arithmetic",
  deviation: float = 1.0,
) -> LossBalancer:
  """Return w = softmax(e), e normal and new in every step; sum w = 1.

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
    drawn = weighting.draw_per_task(key, num_tasks)
    return weighting.softmax(deviation * drawn, present)

  return weighting.from_weights("rlw", weigh, mean=mean)
