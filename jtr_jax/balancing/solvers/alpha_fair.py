"""Weights w > 0 with (G w)_k = p_k w_k^-r: Nash-MTL (r = 1) and FairGrad."""

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax.scipy import linalg

from jtr_jax.balancing.gramian import Gram

_Loop: TypeAlias = tuple[jax.Array, jax.Array, jax.Array]

_STEPS = 50
_SHORT = 0.3
"""Newton's steps are not shortened once they change no weight by more."""


def equilibrium(
  gram: Gram, power: float = 1.0, preference: jax.Array | None = None
) -> jax.Array:
  """Return w > 0 with g_k.d = p_k w_k^-r, d = sum_j w_j g_j.

  w is the minimum of a convex function, w.G w / 2 - sum_k p_k int w_k^-r, found
  by Newton's method with a search along each step. The unknowns are w_k / s_k,
  s_k = (p_k / |g_k|^2)^(1 / (1 + r)) the weight of a task alone, and equation k
  is multiplied by s_k: for r = 1 and p = 1 only cosines are left.

  Args:
    gram: of the gradients.
    power: r, positive.
    preference: p, f32[K], positive for gradients that are not 0; None for 1.

  Returns:
    f32[K], 0 where the gradient is 0. Where no direction helps all tasks, there
    is no such w, and weights are large, with a short direction.
  """
  norms = jnp.where(gram.active, gram.norms, 1)
  relative = jnp.where(gram.active, gram.norms / gram.scale, 1)
  tilt = relative ** ((power - 1) / (1 + power))
  alone = norms ** (-2 / (1 + power))
  if preference is not None:
    root = jnp.where(gram.active, preference, 1) ** (1 / (1 + power))
    tilt, alone = tilt * root, alone * root
  tiny = 2 * jnp.finfo(tilt.dtype).eps
  own = jnp.diag(jnp.where(gram.active, tiny, 1).astype(tilt.dtype))
  matrix = tilt[:, None] * tilt * (gram.cosines + own)
  x = _newton(matrix, tilt**2, power)
  return jnp.where(gram.active, alone * x, 0)


def _newton(matrix: jax.Array, force: jax.Array, power: float) -> jax.Array:
  """Return x > 0 with M x = force x^-power."""
  # A ridge of the steps alone: it keeps them finite and moves no solution.
  eps = jnp.finfo(matrix.dtype).eps
  ridge = jnp.diag(8 * force.size * eps * jnp.diagonal(matrix))
  fractions = 0.5 ** jnp.arange(12, dtype=matrix.dtype)

  def value(x: jax.Array) -> jax.Array:
    return x @ matrix @ x / 2 - force @ _integral(x, power)

  def step(loop: _Loop) -> _Loop:
    x, _, count = loop
    pull = force * x ** (1 - power)
    hessian = x[:, None] * x * (matrix + ridge) + jnp.diag(power * pull)
    factor = linalg.cho_factor(hessian, lower=True)
    change = linalg.cho_solve(factor, pull - x * (matrix @ x))
    longest = jnp.max(jnp.abs(change))
    # No weight falls by more than nine tenths at once.
    feasible = 0.9 / jnp.maximum(jnp.max(-change), 0.9)
    tried = x * (1 + feasible * fractions[:, None] * change)
    searched = tried[jnp.argmin(jax.vmap(value)(tried))]
    x = jnp.where(longest < _SHORT, x * (1 + change), searched)
    return x, longest, count + 1

  # The error after a step is about the square of the step.
  short = eps**0.5
  x, _, _ = jax.lax.while_loop(
    lambda loop: (loop[1] > short) & (loop[2] < _STEPS),
    step,
    (jnp.ones_like(force), jnp.ones((), force.dtype), jnp.asarray(0)),
  )
  return x


def _integral(x: jax.Array, power: float) -> jax.Array:
  """Return the integral of x^-power, from 1 to x."""
  return jnp.log(x) if power == 1 else (x ** (1 - power) - 1) / (1 - power)
