"""MoCo: running means of the gradients, and weights that follow them."""

from typing import Annotated, NamedTuple

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
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source


class MoCoState(NamedTuple):
  """State of MoCo.

  Attributes:
    step: i32[], number of updates.
    tracked: leaves f32[K, ...], running means of the gradients, 0 at first.
    weights: f32[K], adding up to 1.
  """

  step: jax.Array
  tracked: Tree
  weights: jax.Array


def moco(
  num_tasks: int,
  *,
  beta: Annotated[float, POSITIVE, Source("LibMTL")] = 0.5,
  beta_decay: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 0.5,
  gamma: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 0.1,
  gamma_decay: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 0.5,
  rho: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 0.0,
) -> GradientBalancer:
  """Return MoCo: d = sum_k w_k y_k, with y_k following L_k g_k / |g_k|.

  y_k <- y_k - beta / t^beta_decay (y_k - L_k g_k / |g_k|);
  w <- softmax(w - gamma / t^gamma_decay (Y Y^T + rho I) w); t counts from 1.

  Args:
    num_tasks: K.
    beta: rate of the running means.
    beta_decay: exponent.
    gamma: rate of the weights.
    gamma_decay: exponent.
    rho: regularisation of the weights.

  Source: Fernando et al., ICLR 2023, equations 8 to 10; the normalised
    gradients, the soft-max in place of a projection, and the defaults are
    LibMTL's.
  Deviations: the running mean and the weight of an absent task stay as they
    are, and it takes no part in the direction.
  """

  def rule(
    gradients: Tree, context: GradientContext, state: MoCoState
  ) -> tuple[Tree, jax.Array, MoCoState]:
    step = (state.step + 1).astype(jnp.float32)
    rate = beta / step**beta_decay
    tracked = _follow(gradients, context, state.tracked, rate)
    products = gram(tracked, context.axis_name).matrix + rho * jnp.eye(
      num_tasks
    )
    current = jnp.where(context.present, state.weights, 0)
    current = numerics.safe_divide(current, jnp.sum(current))
    logits = current - gamma / step**gamma_decay * (products @ current)
    moved = jax.nn.softmax(logits, where=context.present)
    used = jnp.where(context.present, moved, 0)
    kept = jnp.where(context.present, moved, state.weights)
    kept = kept.astype(state.weights.dtype)
    direction = combine(tracked, used)
    return direction, used, MoCoState(state.step + 1, tracked, kept)

  return from_gradients(
    "moco",
    num_tasks,
    rule,
    init=lambda params: _init(params, num_tasks),
    scopes=("shared_params",),
    needs_losses=True,
  )


def _init(params: Tree, num_tasks: int) -> MoCoState:
  """Return means of 0 and equal weights."""
  zeros = jax.tree.map(
    lambda x: jnp.zeros((num_tasks, *x.shape), jnp.float32), params
  )
  equal = jnp.full(num_tasks, 1 / num_tasks, jnp.float32)
  return MoCoState(jnp.zeros((), jnp.int32), zeros, equal)


def _follow(
  gradients: Tree, context: GradientContext, tracked: Tree, rate: jax.Array
) -> Tree:
  """Return the running means after one more gradient of each present task."""
  rate = jnp.where(context.present, rate, 0)
  pull = rate * numerics.safe_divide(
    context.losses, gram(gradients, context.axis_name).norms
  )
  return jax.tree.map(
    lambda y, g: ((1 - per_row(rate, y)) * y + per_row(pull, g) * g).astype(
      y.dtype
    ),
    tracked,
    gradients,
  )
