"""GCS: auxiliary gradients count where they agree with the primary one."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram


def gcs(
  num_tasks: int, *, primary: int = 0, weighted: bool = False
) -> GradientBalancer:
  """Return g_pri + sum_t [cos(g_pri, g_t) > 0] g_t.

  Args:
    num_tasks: K.
    primary: index of the primary task; where a batch has no label for it there
      is no criterion, and the shared parameters get nothing.
    weighted: multiply by max(0, cos) instead.

  Source: Du et al. 2018 (arXiv 1812.02224), Algorithms 1 and 2; ties drop out,
    as in community code.
  """

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    del context
    cosines = gram.cosines[primary]
    helpful = jnp.maximum(cosines, 0) if weighted else cosines > 0
    weights = helpful.astype(gram.norms.dtype)
    return weights.at[primary].set(gram.active[primary]), state

  return from_gramian("gcs", num_tasks, solve)
