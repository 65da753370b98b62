"""CAGrad: the best worst-case descent near the mean gradient."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.solvers import nonnegative_qp, simplex
from jtr_jax.balancing.solvers.nonnegative_qp import Vertex
from jtr_jax.core import errors
from jtr_jax.core.fields import NOT_NEGATIVE, Bound, Source

_ZERO_NORM = 1e-6
"""A gradient of 0 counts as one of this length, orthogonal to all others; a
length relative to the largest."""


def cagrad(
  num_tasks: int,
  c: Annotated[float, NOT_NEGATIVE, Source("CAGrad, NYUv2")] = 0.4,
  *,
  rescale: Annotated[
    int, Bound(low=0, high=2), Source("CAGrad, released code")
  ] = 1,
  stationary: Annotated[float, NOT_NEGATIVE, Source("TorchJD")] = 1e-4,
) -> GradientBalancer:
  """Return CAGrad: d = argmax_d min_k g_k.d, |d - g_0| <= c |g_0|.

  d = g_0 + c |g_0| g_w / |g_w|, g_0 the mean gradient and g_w = sum_k w_k g_k
  the minimiser of g_w.g_0 + c |g_0| |g_w| over the simplex.

  Args:
    num_tasks: K.
    c: radius of the ball around the mean gradient, relative to its length.
    rescale: 0 for d, 1 for d / (1 + c^2), 2 for d / (1 + c).
    stationary: if |g_w| is below this times the root of sum_k |g_k|^2, no
      direction helps all tasks, and d = 0.

  Raises:
    ValueError: c is negative or `rescale` unknown.

  Source: Liu et al., NeurIPS 2021, algorithm 1; c of its NYUv2 runs, `rescale`
    of its released code, `stationary` of TorchJD.
  Deviations: solved exactly, in place of SLSQP. With one task present, d is its
    gradient, without (1 + c).
  """
  divisors = (1, 1 + c**2, 1 + c)
  if c < 0 or rescale not in range(len(divisors)):
    raise ValueError(
      errors.message(
        "CAGrad cannot be set up so",
        found=f"c={c}, rescale={rescale}",
        expected="c of at least 0, and rescale 0, 1 or 2",
        do="Change the arguments.",
      )
    )

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    weights = cagrad_weights(gram, context.present, c, stationary)
    alone = jnp.sum(context.present) == 1
    return jnp.where(alone, 1, weights / divisors[rescale]), state

  return from_gramian("cagrad", num_tasks, solve)


def cagrad_weights(
  gram: Gram, present: jax.Array, c: float, stationary: float = 1e-4
) -> jax.Array:
  """Return w_k of d = sum_k w_k g_k, not rescaled.

  d - g_0 = sum_k y_k g_k with y >= 0, and g_k.d >= m with equality where
  y_k > 0: the support of y is found by pivoting, and for each support the best
  m is the root of a quadratic equation, |d - g_0| = c |g_0|.

  Args:
    gram: of the gradients.
    present: bool[K].
    c: radius of the ball.
    stationary: see `cagrad`.

  Returns:
    f32[K].
  """
  mean = simplex.uniform(present, gram.norms.dtype)
  products = gram.scaled
  total = jnp.trace(products)
  radius = c * jnp.sqrt(jnp.maximum(mean @ products @ mean, 0))
  y = _displacement(gram, present, mean, radius)
  # |g_w| = radius / sum y, compared without dividing.
  moves = radius >= stationary * jnp.sqrt(total) * jnp.sum(y)
  return jnp.where(moves | (c == 0), mean + y, 0)


def _displacement(
  gram: Gram, present: jax.Array, mean: jax.Array, radius: jax.Array
) -> jax.Array:
  """Return y f32[K], for gradients in units of the largest norm.

  In x_k = |g_k| y_k the matrix is that of the cosines, whatever the norms.
  """
  norms = gram.norms / gram.scale
  lengths = jnp.where(norms > 0, norms, jnp.where(present, _ZERO_NORM, 1))
  idle = jnp.diag((present & ~gram.active).astype(norms.dtype))
  matrix = gram.cosines + idle
  along = gram.cosines @ (mean * norms)
  smallest = jnp.min(jnp.where(present, lengths, jnp.inf))
  level = jnp.where(present, smallest / lengths, 0)

  def evaluate(support: jax.Array) -> Vertex:
    right = jnp.stack([level, along], axis=-1)
    up, back = nonnegative_qp.solve_on(matrix, support, right).T
    a, b, e = level @ up, level @ back, along @ back
    root = jnp.sqrt(jnp.maximum(b**2 - a * (e - radius**2), 0))
    worst = (b + root) / jnp.where(a > 0, a, 1)
    x = worst * up - back
    slack = matrix @ x + along - worst * level
    scale = jnp.max(jnp.abs(along)) + radius + jnp.max(jnp.abs(x))
    return Vertex(x, slack, 8 * jnp.finfo(x.dtype).eps * scale)

  worst_task = jnp.argmin(jnp.where(present, along * lengths, jnp.inf))
  first = jnp.arange(present.size) == worst_task
  return nonnegative_qp.pivot(evaluate, first).x / lengths
