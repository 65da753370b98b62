"""MGDA: the shortest vector in the convex hull of the gradients."""

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
from jtr_jax.balancing.solvers import nonnegative_qp, simplex
from jtr_jax.core import numerics

Normalization: TypeAlias = Literal["none", "l2", "loss", "loss+"]
Solver: TypeAlias = Literal["exact", "frank_wolfe"]

_Loop: TypeAlias = tuple[jax.Array, jax.Array, jax.Array]

_FRANK_WOLFE_STEPS = 100
_FRANK_WOLFE_STOP = 1e-3


def mgda(
  num_tasks: int,
  *,
  normalization: Normalization = "none",
  apply_normalization: bool = False,
  solver: Solver = "exact",
) -> GradientBalancer:
  """Return MGDA: d = sum_k w_k g_k, the shortest with w on the simplex.

  On the scope "features" this is MGDA-UB.

  Args:
    num_tasks: K.
    normalization: what gradients are divided by before the problem is solved:
      "none" 1, "l2" |g_k|, "loss" L_k, "loss+" L_k |g_k|.
    apply_normalization: whether the direction is made of the divided gradients;
      otherwise of the gradients themselves.
    solver: "exact", or "frank_wolfe": 100 steps, or fewer once one is shorter
      than 1e-3, which leaves some percent of error.

  Raises:
    ValueError: unknown normalisation or solver.

  Source: Desideri 2012; Sener and Koltun, NeurIPS 2018, equation 3 and
    algorithm 2. Their released code applies the weights to the losses
    themselves; LibMTL to the divided gradients.
  Deviations: the minimum is exact by default. Equal gradients share their
    weight evenly.
  """
  require_choice("normalisation", normalization, Normalization)
  require_choice("solver", solver, Solver)
  minimize = min_norm if solver == "exact" else frank_wolfe

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    divisor = _divisor(normalization, gram, context)
    norms = numerics.safe_divide(gram.norms, divisor)
    weights = minimize(gram._replace(norms=norms), context.present)
    if apply_normalization:
      weights = numerics.safe_divide(weights, divisor)
    return weights, state

  return from_gramian(
    "mgda",
    num_tasks,
    solve,
    needs_losses=normalization in ("loss", "loss+"),
  )


def min_norm(gram: Gram, present: jax.Array) -> jax.Array:
  """Return the weights of the shortest vector in the convex hull.

  w = y / sum y, where y minimises |sum_k y_k g_k|^2 + s (1 - sum_k y_k)^2 over
  y >= 0, for any s > 0.

  Args:
    gram: of the gradients.
    present: bool[K].

  Returns:
    f32[K], at least 0, adding up to 1 over present tasks. If gradients are 0,
    these tasks have all the weight.
  """
  smallest = jnp.min(jnp.where(gram.active, gram.norms, jnp.inf))
  inverse = jnp.where(gram.active, smallest / _nonzero(gram.norms), 0)
  matrix = gram.cosines + inverse[:, None] * inverse
  x = nonnegative_qp.minimize_nonnegative(matrix, -inverse)
  weights = numerics.safe_divide(inverse * x, jnp.sum(inverse * x))
  zero = present & ~gram.active
  shared = simplex.uniform(zero, weights.dtype)
  return jnp.where(jnp.any(zero), shared, weights)


def frank_wolfe(gram: Gram, present: jax.Array) -> jax.Array:
  """Return the weights that Frank-Wolfe finds for the same problem.

  Args:
    gram: of the gradients.
    present: bool[K].

  Returns:
    f32[K], adding up to 1.

  Source: Sener and Koltun, algorithm 2.
  """
  products = gram.scaled
  start = simplex.uniform(present, products.dtype)

  def step(loop: _Loop) -> _Loop:
    weights, _, count = loop
    along = products @ weights
    best = jnp.argmin(jnp.where(present, along, jnp.inf))
    a, b, c = along[best], weights @ along, products[best, best]
    inner = numerics.safe_divide(b - a, b + c - 2 * a)
    length = jnp.where(c <= a, 1, jnp.where(b <= a, 0, inner))
    corner = (jnp.arange(weights.size) == best).astype(weights.dtype)
    return (1 - length) * weights + length * corner, length, count + 1

  weights, _, _ = jax.lax.while_loop(
    lambda loop: (
      (loop[1] >= _FRANK_WOLFE_STOP) & (loop[2] < _FRANK_WOLFE_STEPS)
    ),
    step,
    (start, jnp.ones((), products.dtype), jnp.asarray(0)),
  )
  return weights


def _divisor(
  normalization: Normalization, gram: Gram, context: GradientContext
) -> jax.Array:
  """Return f32[K], 1 in place of 0."""
  if normalization == "none":
    return jnp.ones_like(gram.norms)
  if normalization == "l2":
    return _nonzero(gram.norms)
  losses = context.losses.astype(gram.norms.dtype)
  return _nonzero(losses if normalization == "loss" else losses * gram.norms)


def _nonzero(x: jax.Array) -> jax.Array:
  """Return x with 1 in place of 0."""
  return jnp.where(x > 0, x, 1)
