"""ExcessMTL: tasks far from their optimum have more weight."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gradients
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import combine
from jtr_jax.core import numerics
from jtr_jax.core.fields import POSITIVE, Source

_EPSILON = 1e-7


class ExcessState(NamedTuple):
  """State of ExcessMTL.

  Attributes:
    squares: leaves [K, ...], sums of squared gradients.
    initial: f32[K], the first excess of each task, NaN before.
    logits: f32[K], logarithms of the weights.
  """

  squares: Tree
  initial: jax.Array
  logits: jax.Array


def excess_mtl(
  num_tasks: int,
  *,
  step_size: Annotated[float, POSITIVE, Source("LibMTL")] = 1e-2,
) -> GradientBalancer:
  """Return sum_k w_k g_k, w_k growing with exp(eta e_k / e_k(0)); sum w = K.

  e_k = g_k^T diag(S_k + 1e-7)^(-1/2) g_k estimates the excess risk, S_k being
  the sum of the squared gradients so far. Decoders are weighted too.

  Args:
    num_tasks: K.
    step_size: eta.

  Source: He et al., ICML 2024, Algorithm 1; LibMTL.
  """

  def init(params: Tree) -> ExcessState:
    squares = jax.tree.map(lambda x: jnp.zeros((num_tasks, *x.shape)), params)
    unknown = jnp.full(num_tasks, jnp.nan, jnp.float32)
    return ExcessState(squares, unknown, jnp.zeros(num_tasks))

  def rule(
    gradients: Tree, context: GradientContext, state: ExcessState
  ) -> tuple[Tree, jax.Array, ExcessState]:
    squares = jax.tree.map(
      lambda s, g: s + jnp.square(g), state.squares, gradients
    )
    excess = _excess(gradients, squares)
    if context.axis_name is not None:
      excess = jax.lax.psum(excess, context.axis_name)
    first = context.present & jnp.isnan(state.initial)
    initial = jnp.where(first, excess, state.initial)
    growth = numerics.safe_divide(
      excess, jnp.where(context.present, initial, 0)
    )
    grows = context.present & ~first
    logits = state.logits + jnp.where(grows, step_size * growth, 0)
    number = from_weights.count(context.present)
    weights = number * from_weights.softmax(logits, context.present)
    return (
      combine(gradients, weights),
      weights,
      ExcessState(squares, initial, logits),
    )

  return from_gradients(
    "excess_mtl",
    num_tasks,
    rule,
    init=init,
    scopes=("shared_params",),
    weighs_decoders=True,
  )


def _excess(gradients: Tree, squares: Tree) -> jax.Array:
  """Return f32[K], sum of g^2 / sqrt(S + 1e-7) over all parameters."""
  each = jax.tree.map(
    lambda g, s: jnp.sum(
      jnp.square(g) / jnp.sqrt(s + _EPSILON), axis=range(1, g.ndim)
    ),
    gradients,
    squares,
  )
  return jnp.sum(jnp.stack(jax.tree.leaves(each)), axis=0)
