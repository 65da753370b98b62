"""ConFIG: equal cosine to every gradient; length = sum of projections."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient.imtl_g import given_projections
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.preference import Preference, preferred

_VANISHING = 1e-5


def con_fig(num_tasks: int, *, preference: Preference = ()) -> GradientBalancer:
  """Return ConFIG: d = (sum_k g_k.v / |v|) v / |v|, with g_k.v / |g_k| = p_k.

  v = sum_k x_k g_k / |g_k|, C x = p for the matrix C of cosines.

  Args:
    num_tasks: K.
    preference: p, to which the cosines with the gradients are proportional;
      equal ones by default.

  Source: Liu, Chu and Thuerey, ICLR 2025, equation 2, as in TorchJD's ConFIG.
  Deviations: gradients of 0 are left out; if no v exists, d = 0.
  """

  shares = preferred(preference or (1.0,) * num_tasks, num_tasks)

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    wanted = shares(gram.active, gram.norms.dtype)
    wanted = wanted * jnp.sum(gram.active)  # 1 on average
    x = given_projections(gram, wanted)
    along = gram.cosines @ x
    square = x @ along
    exists = square > _VANISHING * (x @ x)
    relative = jnp.where(gram.active, gram.norms / gram.scale, 1)
    length = jnp.where(gram.active, relative, 0) @ along
    weights = x / relative * length / jnp.where(exists, square, 1)
    return jnp.where(exists, weights, 0), state

  return from_gramian("con_fig", num_tasks, solve)
