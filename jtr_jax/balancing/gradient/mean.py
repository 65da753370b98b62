"""The mean of the gradients."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram


def mean(num_tasks: int) -> GradientBalancer:
  """Return the mean of the present tasks' gradients.

  Args:
    num_tasks: K.
  """

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    present = context.present.astype(gram.norms.dtype)
    return present / jnp.maximum(jnp.sum(present), 1), state

  return from_gramian("mean", num_tasks, solve)
