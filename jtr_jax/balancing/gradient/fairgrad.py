"""FairGrad: alpha-fair shares of the progress."""

from typing import Annotated

import jax

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.solvers.alpha_fair import equilibrium
from jtr_jax.core import errors
from jtr_jax.core.fields import POSITIVE, Source


def fairgrad(
  num_tasks: int,
  alpha: Annotated[float, POSITIVE, Source("FairGrad, NYUv2")] = 2.0,
) -> GradientBalancer:
  """Return FairGrad: d = sum_k w_k g_k with w > 0 and g_k.d = w_k^(-1/alpha).

  alpha = 1 is proportional fairness, the direction of Nash-MTL; large alpha
  helps the slowest task. The decoders' gradients are multiplied by the weights
  too, as in the released code.

  Args:
    num_tasks: K.
    alpha: positive.

  Raises:
    ValueError: alpha is not positive.

  Source: Ban and Ji, ICML 2024, equation 7; alpha of its NYUv2 runs (LibMTL
    has 1).
  Deviations: the equations are solved by Newton's method, in place of bounded
    least squares. Gradients of 0 are left out.
  """
  if alpha <= 0:
    raise ValueError(
      errors.message(
        "FairGrad needs a positive alpha",
        found=alpha,
        expected="a number above 0",
        do="Change alpha.",
      )
    )

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    return equilibrium(gram, 1 / alpha), state

  return from_gramian("fairgrad", num_tasks, solve, weighs_decoders=True)
