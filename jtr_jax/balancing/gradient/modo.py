"""MoDo: weights that follow products of gradients of two batches."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import AxisName, Tree
from jtr_jax.balancing.from_gramian import from_gradients
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import combine
from jtr_jax.balancing.solvers import simplex
from jtr_jax.core import numerics
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source


def modo(
  num_tasks: int,
  *,
  step_size: Annotated[float, POSITIVE, Source("LibMTL")] = 1e-3,
  regularization: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 0.1,
) -> GradientBalancer:
  """Return MoDo: d = sum_k w_k g_k, w descending with two samples of |d|^2.

  w <- Pi(w - gamma (J J'^T w + rho w)), Pi the projection on the simplex, J the
  gradients of the batch and J' those of a second one, drawn independently: the
  product of two independent samples is an unbiased gradient of |J^T w|^2 / 2,
  that of one sample with itself is not.

  Args:
    num_tasks: K.
    step_size: gamma.
    regularization: rho.

  Returns:
    The balancer; needs `second`.

  Source: Chen, Fernando, Ying and Chen, NeurIPS 2023 and JMLR 2024, algorithm
    of "multi-objective gradient with double sampling"; defaults of LibMTL.
  Deviations: two batches, not three. The third is there so that w does not
    depend on the batch of the direction; here the direction has the w of before
    the update, which does not depend on it either. Weights of tasks that either
    batch lacks stay, and present ones are scaled to the sum 1.
  """

  def rule(
    gradients: Tree, context: GradientContext, weights: jax.Array
  ) -> tuple[Tree, jax.Array, jax.Array]:
    used = _shares(weights, context.present)
    both = context.present & context.second_present
    products = _products(gradients, context.second, context.axis_name)
    shares = _shares(weights, both)
    point = shares - step_size * (products @ shares + regularization * shares)
    # The projection does not change with a shift, and small numbers are exact.
    top = jnp.max(jnp.where(both, point, -jnp.inf))
    moved = simplex.project(jnp.where(both, point - top, 0), both)
    kept = jnp.sum(jnp.where(both, weights, 0))
    after = jnp.where(both, kept * moved, weights)
    return combine(gradients, used), used, after.astype(weights.dtype)

  return from_gradients(
    "modo",
    num_tasks,
    rule,
    init=lambda params: jnp.full(num_tasks, 1 / num_tasks),
    scopes=("shared_params", "last_shared_layer"),
    needs_second=True,
  )


def _shares(weights: jax.Array, present: jax.Array) -> jax.Array:
  """Return the weights of the present tasks, scaled to the sum 1."""
  kept = jnp.where(present, weights, 0)
  return numerics.safe_divide(kept, jnp.sum(kept))


def _products(first: Tree, second: Tree, axis_name: AxisName) -> jax.Array:
  """Return f32[K, K], inner products of gradients of two batches."""

  def of_leaf(one: jax.Array, other: jax.Array) -> jax.Array:
    rows, columns = (x.reshape(len(x), -1) for x in (one, other))
    return jnp.matmul(rows, columns.T, precision=jax.lax.Precision.HIGHEST)

  leaves = jax.tree.leaves(jax.tree.map(of_leaf, first, second))
  products = jnp.sum(jnp.stack(leaves), axis=0)
  if axis_name is not None:
    products = jax.lax.psum(products, axis_name)
  return products
