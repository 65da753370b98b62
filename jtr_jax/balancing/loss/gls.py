"""GLS: the geometric mean of the losses."""

from typing import Annotated

import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import NOT_NEGATIVE


def gls(
  num_tasks: int, *, focused: Annotated[tuple[int, ...], NOT_NEGATIVE] = ()
) -> LossBalancer:
  """Return (prod_k L_k)^(1/K); the implied weights are L / (K L_k).

  Args:
    num_tasks: K.
    focused: indices of tasks that count twice.

  Source: Chennupati et al., CVPRW 2019 (MultiNet++), Eq. (3) and (4).
  """
  exponents = tuple(2.0 if k in focused else 1.0 for k in range(num_tasks))
  return from_weights.from_weights(
    "gls",
    lambda state, losses, present, key: jnp.array(exponents),
    mean="geometric",
  )
