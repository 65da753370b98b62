"""DB-MTL's gradient half: smoothed gradients of equal length."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gradients
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import combine, gram, per_row
from jtr_jax.core import numerics
from jtr_jax.core.fields import DECAY, Source


def db_mtl(
  num_tasks: int, *, ema_decay: Annotated[float, DECAY, Source("LibMTL")] = 0.9
) -> GradientBalancer:
  """Return sum_k (max_j |b_j| / |b_k|) b_k over moving averages b of gradients.

  Meant for the gradients of log L_k, with the loss balancer `logarithmic`.
  Averages start at 0 and are not corrected for it. A task that is absent keeps
  its average, and the average of a step without it is not used.

  Args:
    num_tasks: K.
    ema_decay: beta, weight of the old average.

  Source: Lin et al. 2023 (DB-MTL), Algorithm 1; LibMTL.
  """

  def rule(
    gradients: Tree, context: GradientContext, state: Tree
  ) -> tuple[Tree, None, Tree]:
    def average(new: jax.Array, old: jax.Array) -> jax.Array:
      present = per_row(context.present, new)
      return jnp.where(present, new + ema_decay * (old - new), old)

    averages = jax.tree.map(average, gradients, state)
    angles = gram(averages, context.axis_name)
    norms = jnp.where(context.present, angles.norms, 0)
    weights = numerics.safe_divide(jnp.max(norms), norms)
    return combine(averages, weights), None, averages

  return from_gradients(
    "db_mtl",
    num_tasks,
    rule,
    init=lambda params: jax.tree.map(
      lambda x: jnp.zeros((num_tasks, *x.shape)), params
    ),
    scopes=("shared_params",),
  )
