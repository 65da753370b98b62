"""SDMGrad: a direction between MGDA's and the mean."""

from typing import Annotated, Literal, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import require_choice
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient.mgda import min_norm
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.solvers import simplex
from jtr_jax.core import numerics
from jtr_jax.core.fields import NOT_NEGATIVE, Source

Solver: TypeAlias = Literal["exact", "descent"]

_STEPS = 20
_LEARNING_RATE = 5.0
_MOMENTUM = 0.5


def sdmgrad(
  num_tasks: int,
  strength: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 0.3,
  *,
  solver: Solver = "exact",
) -> GradientBalancer:
  """Return SDMGrad: d = (sum_k w_k g_k + s g_0) / (1 + s), g_0 the mean.

  w minimises |sum_k w_k g_k + s g_0| over the simplex: s = 0 is MGDA, and large
  s the mean.

  Args:
    num_tasks: K.
    strength: s, the pull towards the mean.
    solver: "exact", or "descent": from the last w, 20 projected gradient steps
      (rate 5, momentum 0.5, gradients divided by their mean norm). These are
      long enough to jump between corners of the simplex.

  Raises:
    ValueError: unknown solver.

  Source: Xiao, Ban and Ji, NeurIPS 2023, algorithm 1; `strength` and "descent"
    of LibMTL.
  Deviations: the minimum is exact by default. One batch in place of three
    independent ones. In "descent" momentum starts anew with every update, and
    an absent task keeps its weight.
  """
  require_choice("solver", solver, Solver)

  def solve(
    gram: Gram, context: GradientContext, last: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    mean = simplex.uniform(context.present, gram.norms.dtype)
    if solver == "exact":
      shifted = _shifted(gram, context.present, strength * mean)
      weights = min_norm(shifted, context.present)
    else:
      weights = _descend(gram, context.present, strength * mean, last)
    kept = jnp.where(context.present, weights, last).astype(last.dtype)
    return (weights + strength * mean) / (1 + strength), kept

  return from_gramian(
    "sdmgrad",
    num_tasks,
    solve,
    init=lambda: jnp.full(num_tasks, 1 / num_tasks, jnp.float32),
  )


def _shifted(gram: Gram, present: jax.Array, pull: jax.Array) -> Gram:
  """Return the Gram matrix of g_k + sum_j pull_j g_j."""
  products = gram.scaled
  along = products @ pull
  products = products + along[:, None] + along + pull @ along
  products = jnp.where(present[:, None] & present, products, 0)
  norms = jnp.sqrt(jnp.maximum(jnp.diagonal(products), 0))
  cosines = numerics.safe_divide(products, norms[:, None] * norms)
  return Gram(norms, cosines)


def _descend(
  gram: Gram, present: jax.Array, pull: jax.Array, last: jax.Array
) -> jax.Array:
  """Return w f32[K] after projected gradient descent from the last one."""
  products = gram.scaled
  size = simplex.uniform(present, pull.dtype) @ (gram.norms / gram.scale)
  products = products / jnp.where(size > 0, size, 1) ** 2

  def step(
    _: int, loop: tuple[jax.Array, jax.Array]
  ) -> tuple[jax.Array, jax.Array]:
    weights, velocity = loop
    velocity = _MOMENTUM * velocity + products @ (weights + pull)
    moved = weights - _LEARNING_RATE * velocity
    return simplex.project(moved, present), velocity

  start = simplex.project(last.astype(pull.dtype), present)
  weights, _ = jax.lax.fori_loop(0, _STEPS, step, (start, jnp.zeros_like(pull)))
  return weights
