"""SDMGrad: a direction between MGDA's and the mean, found step by step."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing import simplex
from jtr_jax.balancing.base import Given, GradientBalancer
from jtr_jax.balancing.gramian import Gram, from_gramian

_LEARNING_RATE = 5.0
_MOMENTUM = 0.5


def sdmgrad(
  num_tasks: int, strength: float = 0.3, *, steps: int = 20
) -> GradientBalancer:
  """Return SDMGrad: d = (sum_k w_k g_k + s g_0) / (1 + s), g_0 the mean.

  w moves by projected gradient steps towards the minimum of
  |sum_k w_k g_k + s g_0|^2 / 2 over the simplex, and is kept for the next
  update.

  Args:
    num_tasks: K.
    strength: s, the pull towards the mean.
    steps: projected gradient steps (rate 5, momentum 0.5, gradients divided by
      their mean norm) an update.

  Source: Xiao, Ban and Ji, NeurIPS 2023, algorithm 1; defaults of LibMTL.
  Deviations: one batch in place of three independent ones. Momentum starts
    anew with every update. w starts at the simplex' nearest point over the
    present tasks; an absent task keeps its weight.
  """

  def solve(
    gram: Gram, given: Given, memory: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    mean = simplex.uniform(given.present, gram.norms.dtype)
    products = gram.scaled
    size = mean @ (gram.norms / gram.scale)
    products = products / jnp.where(size > 0, size, 1) ** 2

    def step(
      _: int, loop: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
      weights, velocity = loop
      slope = products @ (weights + strength * mean)
      velocity = _MOMENTUM * velocity + slope
      moved = weights - _LEARNING_RATE * velocity
      return simplex.project(moved, given.present), velocity

    start = simplex.project(memory.astype(mean.dtype), given.present)
    weights, _ = jax.lax.fori_loop(
      0, steps, step, (start, jnp.zeros_like(mean))
    )
    memory = jnp.where(given.present, weights, memory).astype(memory.dtype)
    return (weights + strength * mean) / (1 + strength), memory

  return from_gramian(
    "sdmgrad",
    num_tasks,
    solve,
    init=lambda: jnp.full(num_tasks, 1 / num_tasks),
  )
