"""PCGrad: remove the conflicting components of every gradient."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram


def pcgrad(num_tasks: int) -> GradientBalancer:
  """Return PCGrad: d = sum_i v_i, v_i = g_i projected to avoid conflicts.

  From v_i = g_i on, for all j in a random order of task i:
  v_i <- v_i - min(v_i.g_j, 0) / |g_j|^2 g_j.

  Args:
    num_tasks: K.

  Source: Yu et al., NeurIPS 2020, algorithm 1 (the sum; some codes have the
    mean).
  Deviations: computed from the Gram matrix, which is the same.
  """

  def solve(
    gram: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    orders = random_orders(context.key, num_tasks)
    parts = jax.vmap(project, in_axes=(None, 0, 0))(
      gram, jnp.arange(num_tasks), orders
    )
    return jnp.sum(parts, axis=0), state

  return from_gramian("pcgrad", num_tasks, solve)


def project(gram: Gram, task: jax.Array, order: jax.Array) -> jax.Array:
  """Return the weights of one gradient after its projections.

  Args:
    gram: of the gradients.
    task: i32[], whose gradient.
    order: i32[N], tasks in the order of projection; itself among them is
      without effect.

  Returns:
    c, f32[K]: v = sum_j c_j g_j.
  """
  relative = jnp.where(gram.active, gram.norms / gram.scale, 1)
  own = (jnp.arange(relative.size) == task).astype(relative.dtype)

  # The coefficients x belong to gradients of unit length.
  def step(index: int, x: jax.Array) -> jax.Array:
    other = order[index]
    along = jnp.where(other == task, 0, gram.cosines[other] @ x)
    return x.at[other].add(-jnp.minimum(along, 0))

  return jax.lax.fori_loop(0, order.size, step, own * relative) / relative


def random_orders(key: jax.Array, num_tasks: int) -> jax.Array:
  """Return i32[K, K]: for each task a random order of all.

  Args:
    key: of this step.
    num_tasks: K.
  """
  keys = jax.random.split(key, num_tasks)
  return jax.vmap(lambda k: jax.random.permutation(k, num_tasks))(keys)
