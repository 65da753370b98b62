"""Projections on the dual cone: all d with g_k.d >= 0 for every k."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.solvers import nonnegative_qp

RIDGE = 1e-4
"""Added to the diagonal of the Gram matrix, divided by its trace."""


def project(gram: Gram, weights: jax.Array) -> jax.Array:
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
