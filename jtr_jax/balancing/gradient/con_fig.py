"""ConFIG: equal cosine to every gradient; length = sum of projections."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient.imtl_g import equal_projections
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram

_VANISHING = 1e-5


def con_fig(num_tasks: int) -> GradientBalancer:
  """Return ConFIG: d = (sum_k g_k.v / |v|) v / |v|, with g_k.v / |g_k| = 1.

  v = sum_k x_k g_k / |g_k|, C x = 1 for the matrix C of cosines.

  Args:
    num_tasks: K.

  Source: Liu, Chu and Thuerey, ICLR 2025, equation 2, as in TorchJD's ConFIG.
  Deviations: gradients of 0 are left out; if no v exists, d = 0.
  """

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    x = equal_projections(gram)
    along = gram.cosines @ x
    square = x @ along
    exists = square > _VANISHING * (x @ x)
    relative = jnp.where(gram.active, gram.norms / gram.scale, 1)
    length = jnp.where(gram.active, relative, 0) @ along
    weights = x / relative * length / jnp.where(exists, square, 1)
    return jnp.where(exists, weights, 0), state

  return from_gramian("con_fig", num_tasks, solve)
