"""UPGrad: the mean of the gradients' projections on the dual cone."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.preference import Preference, preferred
from jtr_jax.balancing.solvers import dual_cone


def upgrad(num_tasks: int, *, preference: Preference = ()) -> GradientBalancer:
  """Return UPGrad: the mean of the gradients' projections on the dual cone.

  The dual cone holds all d with g_k.d >= 0 for every k.

  Args:
    num_tasks: K.
    preference: of the tasks, in place of equal shares.

  Source: Quinton and Rey 2024, arXiv:2406.16232, section 3; the ridge of
    TorchJD.
  Deviations: quadratic programs are solved by pivoting. A Gram matrix is never
    too small to be normalised.
  """

  shares = preferred(preference, num_tasks)

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    rows = jnp.diag(shares(context.present, gram.norms.dtype))
    project = jax.vmap(dual_cone.project, in_axes=(None, 0))
    return jnp.sum(project(gram, rows), axis=0), state

  return from_gramian("upgrad", num_tasks, solve)
