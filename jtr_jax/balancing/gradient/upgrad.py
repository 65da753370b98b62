"""UPGrad and DualProj: projections on the cone of harmless directions."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Given, GradientBalancer, Tree
from jtr_jax.balancing.from_gramian import Gram, from_gramian
from jtr_jax.balancing.solvers import nonnegative_qp, simplex

RIDGE = 1e-4
"""Added to the diagonal of the Gram matrix, divided by its trace."""


def upgrad(num_tasks: int) -> GradientBalancer:
  """Return UPGrad: the mean of the gradients' projections on the dual cone.

  The dual cone holds all d with g_k.d >= 0 for every k.

  Args:
    num_tasks: K.

  Source: Quinton and Rey 2024, arXiv:2406.16232, section 3; `RIDGE` of TorchJD.
  Deviations: quadratic programs are solved by pivoting. A Gram matrix is never
    too small to be normalised.
  """

  def solve(gram: Gram, given: Given, state: Tree) -> tuple[jax.Array, Tree]:
    rows = jnp.diag(simplex.uniform(given.present, gram.norms.dtype))
    project = jax.vmap(project_on_dual_cone, in_axes=(None, 0))
    return jnp.sum(project(gram, rows), axis=0), state

  return from_gramian("upgrad", num_tasks, solve)


def dualproj(num_tasks: int) -> GradientBalancer:
  """Return DualProj: the projection of the mean gradient on the dual cone.

  Args:
    num_tasks: K.

  Source: Lopez-Paz and Ranzato, NeurIPS 2017 (GEM), as in TorchJD's DualProj.
  Deviations: as for `upgrad`.
  """

  def solve(gram: Gram, given: Given, state: Tree) -> tuple[jax.Array, Tree]:
    return project_on_dual_cone(
      gram, simplex.uniform(given.present, gram.norms.dtype)
    ), state

  return from_gramian("dualproj", num_tasks, solve)


def project_on_dual_cone(gram: Gram, weights: jax.Array) -> jax.Array:
  """Return the weights v >= u of the projection of sum_k u_k g_k.

  v = argmin v.M v over v >= u, M = G / trace G + RIDGE.

  Args:
    gram: of the gradients.
    weights: u, f32[K].

  Returns:
    v, f32[K].
  """
  products = gram.scaled
  trace = jnp.trace(products)
  size = jnp.eye(weights.size, dtype=products.dtype)
  matrix = products / jnp.where(trace > 0, trace, 1) + RIDGE * size
  lengths = jnp.sqrt(jnp.diagonal(matrix))
  matrix = matrix / (lengths[:, None] * lengths)
  added = nonnegative_qp.minimize_nonnegative(
    matrix, matrix @ (lengths * weights)
  )
  return weights + added / lengths
