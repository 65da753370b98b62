"""GradDrop: entries of one randomly chosen sign where signs disagree."""

from typing import Annotated

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gradients
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.core import numerics
from jtr_jax.core.fields import FRACTION


def graddrop(
  num_tasks: int, leak: Annotated[float, FRACTION] = 0.0
) -> GradientBalancer:
  """Return GradDrop: d = sum_k (leak + (1 - leak) M_k) g_k, element by element.

  With P = (1 + sum_k g_k / sum_k |g_k|) / 2 and U uniform in [0, 1], M_k keeps
  positive entries where P > U and negative ones where P <= U.

  Args:
    num_tasks: K.
    leak: the share of a gradient that is never dropped, in [0, 1].

  Source: Chen et al., NeurIPS 2020, algorithm 1.
  Deviations: acts on the gradients as they are; the paper multiplies those at
    the features by the features' signs and sums over the batch to find P.
  """

  def rule(
    gradients: Tree, context: GradientContext, state: Tree
  ) -> tuple[Tree, None, Tree]:
    leaves, structure = jax.tree.flatten(gradients)
    key = context.key
    if context.axis_name is not None:  # other entries, other numbers
      key = jax.random.fold_in(key, jax.lax.axis_index(context.axis_name))
    keys = jax.random.split(key, len(leaves))
    dropped = [_drop(x, k, leak) for x, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, dropped), None, state

  return from_gradients(
    "graddrop", num_tasks, rule, scopes=("features", "shared_params")
  )


def _drop(stacked: jax.Array, key: jax.Array, leak: float) -> jax.Array:
  """Return [...] from [K, ...]."""
  total = jnp.sum(stacked, axis=0)
  purity = numerics.safe_divide(total, jnp.sum(jnp.abs(stacked), axis=0))
  threshold = jax.random.uniform(key, total.shape, total.dtype)
  positive = (1 + purity) / 2 > threshold
  kept = jnp.where((stacked > 0) == positive, stacked, 0)
  return leak * total + (1 - leak) * jnp.sum(kept, axis=0)
