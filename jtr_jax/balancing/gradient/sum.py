"""Gradients as they are: their sum or their mean."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Given, GradientBalancer, Tree
from jtr_jax.balancing.from_gramian import Gram, from_gramian


def total(num_tasks: int) -> GradientBalancer:
  """Return the sum of the present tasks' gradients.

  Args:
    num_tasks: K.
  """

  def solve(gram: Gram, given: Given, state: Tree) -> tuple[jax.Array, Tree]:
    return given.present.astype(gram.norms.dtype), state

  return from_gramian("sum", num_tasks, solve)


def mean(num_tasks: int) -> GradientBalancer:
  """Return the mean of the present tasks' gradients.

  Args:
    num_tasks: K.
  """

  def solve(gram: Gram, given: Given, state: Tree) -> tuple[jax.Array, Tree]:
    present = given.present.astype(gram.norms.dtype)
    return present / jnp.maximum(jnp.sum(present), 1), state

  return from_gramian("mean", num_tasks, solve)
