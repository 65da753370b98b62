"""IMTL-G: a direction with the same projection on every task's gradient."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram

_VANISHING = 1e-6


def imtl_g(num_tasks: int) -> GradientBalancer:
  """Return IMTL-G: d = sum_k w_k g_k, d.g_k / |g_k| equal for all k, sum w = 1.

  w_k = x_k / |g_k|, divided by their sum, where C x = 1 for the matrix C of
  cosines: the same as alpha of the paper. Weights may be negative.

  Args:
    num_tasks: K.

  Source: Liu et al., ICLR 2021, equation 6, in the form of TorchJD's IMTL-G,
    G^+ n / (1.G^+ n).
  Deviations: gradients of 0 are left out. Where C is singular the shortest x is
    taken. If the weights add up to 0, they are all 0.
  """

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    x = given_projections(gram, jnp.ones_like(gram.norms))
    weights = x * jnp.where(gram.active, gram.scale / _lengths(gram), 0)
    total, size = jnp.sum(weights), jnp.sum(jnp.abs(weights))
    vanishes = jnp.abs(total) <= _VANISHING * size
    return jnp.where(
      vanishes, 0, weights / jnp.where(vanishes, 1, total)
    ), state

  return from_gramian(
    "imtl_g",
    num_tasks,
    solve,
    scopes=("features", "shared_params", "last_shared_layer"),
  )


def given_projections(gram: Gram, wanted: jax.Array) -> jax.Array:
  """Return x = C^+ p: sum_k x_k g_k / |g_k| has projection p_k on g_k.

  Args:
    gram: of the gradients, C its cosines.
    wanted: p, f32[K]; those of zero gradients are ignored.

  Returns:
    f32[K], 0 where the gradient is 0.
  """
  values, vectors = jnp.linalg.eigh(gram.cosines)
  smallest = 10 * jnp.finfo(values.dtype).eps * jnp.max(values)
  kept = values > smallest
  inverse = jnp.where(kept, 1 / jnp.where(kept, values, 1), 0)
  wanted = jnp.where(gram.active, wanted, 0).astype(values.dtype)
  return jnp.where(gram.active, vectors @ (inverse * (wanted @ vectors)), 0)


def _lengths(gram: Gram) -> jax.Array:
  """Return the norms f32[K], 1 in place of 0."""
  return jnp.where(gram.active, gram.norms, 1)
