"""Aligned-MTL: gradients made orthogonal and equally long."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree, require_choice
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.preference import Preference, preferred
from jtr_jax.balancing.solvers import eigh

Scale: TypeAlias = Literal["min", "median", "rmse"]


def aligned_mtl(
  num_tasks: int, *, scale: Scale = "min", preference: Preference = ()
) -> GradientBalancer:
  """Return Aligned-MTL: d = sum_k w_k g_k, w = sigma V S^-1 V^T 1 / K.

  V S^2 V^T is the Gram matrix: the gradients are replaced by the orthogonal
  ones nearest to them, all of length sigma.

  Args:
    num_tasks: K.
    scale: sigma^2 is the smallest, the lower median or the mean eigenvalue.
    preference: of the tasks, in place of 1 / K.

  Raises:
    ValueError: unknown scale.

  Source: Senushkin et al., CVPR 2023, algorithm 1; the mean over tasks of
    TorchJD (LibMTL has the sum).
  Deviations: eigenvalues below the rounding of the gradients they are made of
    are dropped, not those small relative to the largest: gradients of very
    different lengths keep their rank.
  """
  require_choice("scale of Aligned-MTL", scale, Scale)
  shares = preferred(preference, num_tasks)

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    mean = shares(context.present, gram.norms.dtype)
    return _balance(gram, scale) @ mean, state

  return from_gramian("aligned_mtl", num_tasks, solve)


def _balance(gram: Gram, scale: Scale) -> jax.Array:
  """Return sigma V S^-1 V^T, f32[K, K]."""
  products = gram.scaled
  values, vectors = eigh.eigh(products)
  # How much rounding of the cosines can change an eigenvalue.
  eps = len(values) * jnp.finfo(values.dtype).eps
  noise = eps * (jnp.diagonal(products) @ vectors**2)
  kept = (values > noise) & (values > 0)
  roots = jnp.where(kept, 1 / jnp.sqrt(jnp.where(kept, values, 1)), 0)
  sigma = jnp.sqrt(_chosen(values, kept, scale))
  return sigma * (vectors * roots) @ vectors.T


def _chosen(values: jax.Array, kept: jax.Array, scale: Scale) -> jax.Array:
  """Return one number for all kept eigenvalues, 0 if there are none."""
  count = jnp.sum(kept)
  ranked = jnp.sort(jnp.where(kept, values, jnp.inf))
  number = {
    "min": ranked[0],
    "median": ranked[jnp.maximum(count - 1, 0) // 2],
    "rmse": jnp.sum(jnp.where(kept, values, 0)) / jnp.maximum(count, 1),
  }[scale]
  return jnp.where(count > 0, number, 0)
