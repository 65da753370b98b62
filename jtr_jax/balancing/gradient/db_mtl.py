"""DB-MTL's gradient half: smoothed gradients of equal length."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Given, GradientBalancer, Tree
from jtr_jax.balancing.from_gramian import combine, from_gradients, gram
from jtr_jax.core import numerics


def db_mtl(num_tasks: int, *, memory: float = 0.9) -> GradientBalancer:
  """Return sum_k (max_j |b_j| / |b_k|) b_k over moving averages b of gradients.

  Meant for the gradients of log L_k, with the loss balancer `logarithmic`.
  Averages start at 0 and are not corrected for it. A task that is absent keeps
  its average, and the average of a step without it is not used.

  Args:
    num_tasks: K.
    memory: beta, what the old average counts.

  Source: Lin et al. 2023 (DB-MTL), Algorithm 1; LibMTL.
  """

  def rule(
    gradients: Tree, given: Given, state: Tree
  ) -> tuple[Tree, None, Tree]:
    def average(new: jax.Array, old: jax.Array) -> jax.Array:
      present = given.present.reshape(-1, *[1] * (new.ndim - 1))
      return jnp.where(present, new + memory * (old - new), old)

    averages = jax.tree.map(average, gradients, state)
    norms = jnp.where(given.present, gram(averages).norms, 0)
    weights = numerics.safe_divide(jnp.max(norms), norms)
    return combine(averages, weights), None, averages

  return from_gradients(
    "db_mtl",
    num_tasks,
    rule,
    init=lambda params: jax.tree.map(
      lambda x: jnp.zeros((num_tasks, *x.shape)), params
    ),
  )._replace(scopes=("shared_params",))
