"""DualProj: the projection of the mean gradient on the dual cone."""

import jax

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.preference import Preference, preferred
from jtr_jax.balancing.solvers import dual_cone


def dualproj(
  num_tasks: int, *, preference: Preference = ()
) -> GradientBalancer:
  """Return DualProj: the projection of the mean gradient on the dual cone.

  The dual cone holds all d with g_k.d >= 0 for every k.

  Args:
    num_tasks: K.
    preference: of the tasks, in place of equal shares.

  Source: Lopez-Paz and Ranzato, NeurIPS 2017 (GEM), as in TorchJD's DualProj.
  Deviations: the quadratic program is solved by pivoting. A Gram matrix is
    never too small to be normalised.
  """

  shares = preferred(preference, num_tasks)

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    mean = shares(context.present, gram.norms.dtype)
    return dual_cone.project(gram, mean), state

  return from_gramian("dualproj", num_tasks, solve)
