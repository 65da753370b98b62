"""IMTL-L: learned scales that make all scaled losses equal."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.learned_weights import clip_exponent, learned_weights
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import Source


def imtl_l(
  num_tasks: int,
  *,
  initial: Annotated[float, Source("AMTL, released code")] = 0.0,
) -> LossBalancer:
  """Return sum_k e^(s_k) L_k - s_k, which makes all scaled losses equal 1.

  Args:
    num_tasks: K.
    initial: s at the start; the released code of AMTL starts at 0, an older
      code of the first author of IAL at 1.

  Source: Liu et al., ICLR 2021 (IMTL), Eq. (6).
  """

  def terms(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    s = clip_exponent(parameter)
    return jnp.exp(s) * losses - s

  return learned_weights(
    "imtl_l", num_tasks, parameter="scale", start=initial, terms=terms
  )
