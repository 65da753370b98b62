"""GradVac: raise each pairwise cosine to its running mean."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient.pcgrad import random_orders
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.core import numerics
from jtr_jax.core.fields import FRACTION, Source


def gradvac(
  num_tasks: int,
  beta: Annotated[float, FRACTION, Source("GradVac")] = 1e-2,
) -> GradientBalancer:
  """Return GradVac: d = sum_i v_i, v_i = g_i turned towards others one by one.

  From v_i = g_i on, for all j in a random order, with rho = cos(v_i, g_j) and
  its running mean r: if rho < r,
  v_i <- v_i + |v_i| (r sqrt(1 - rho^2) - rho sqrt(1 - r^2))
  / (|g_j| sqrt(1 - r^2)) g_j. Then r <- (1 - beta) r + beta rho.

  Args:
    num_tasks: K.
    beta: of the running mean, in [0, 1].

  Source: Wang et al., ICLR 2021, equation 6; beta of the paper (LibMTL has
    0.5).
  Deviations: cosines of all parameters together (the paper's "whole model").
    Pairs with an absent task or a gradient of 0 are skipped.
  """

  def solve(
    gram: Gram, context: GradientContext, means: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    turn_all = jax.vmap(turn, in_axes=(None, 0, 0, 0, None))
    orders = random_orders(context.key, num_tasks)
    weights, new = turn_all(
      gram, jnp.arange(num_tasks), orders, means.astype(gram.norms.dtype), beta
    )
    return jnp.sum(weights, axis=0), new.astype(means.dtype)

  return from_gramian(
    "gradvac",
    num_tasks,
    solve,
    init=lambda: jnp.zeros((num_tasks, num_tasks)),
  )


def turn(
  gram: Gram, task: jax.Array, order: jax.Array, means: jax.Array, beta: float
) -> tuple[jax.Array, jax.Array]:
  """Return one gradient's weights after its turns, and its mean cosines.

  Args:
    gram: of the gradients.
    task: i32[], whose gradient.
    order: i32[N], the tasks in the order of the turns.
    means: f32[K], the running means of the cosines with it.
    beta: see `gradvac`.

  Returns:
    (c f32[K], v = sum_j c_j g_j; the means after this update).
  """
  relative = jnp.where(gram.active, gram.norms / gram.scale, 1)
  own = (jnp.arange(relative.size) == task).astype(relative.dtype)
  meets = gram.active & gram.active[task] & (own == 0)

  # The coefficients x belong to gradients of unit length.
  def step(
    index: int, loop: tuple[jax.Array, jax.Array]
  ) -> tuple[jax.Array, jax.Array]:
    x, means = loop
    other = order[index]
    length = jnp.sqrt(jnp.maximum(x @ gram.cosines @ x, 0))
    rho = numerics.safe_divide(gram.cosines[other] @ x, length)
    rho, target = jnp.clip(rho, -1, 1), means[other]
    opposite = jnp.sqrt(1 - rho**2)
    target_opposite = jnp.sqrt(jnp.maximum(1 - target**2, 1e-8))
    more = length * (target * opposite / target_opposite - rho)
    x = x.at[other].add(jnp.where(meets[other] & (rho < target), more, 0))
    mean = (1 - beta) * target + beta * rho
    return x, means.at[other].set(jnp.where(meets[other], mean, target))

  x, means = jax.lax.fori_loop(0, order.size, step, (own * relative, means))
  return x / relative, means
