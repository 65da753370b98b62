"""FAMO: equal rates of decrease without computing K gradients."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.loss_balancer import LossBalancer, Need, Observation
from jtr_jax.core import numerics
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source

_LEAST = 1e-8


class FamoState(NamedTuple):
  """State of FAMO.

  Attributes:
    logits: f32[K], xi.
    optimizer: state of their Adam.
  """

  logits: jax.Array
  optimizer: Tree


def famo(
  num_tasks: int,
  *,
  learning_rate: Annotated[float, POSITIVE, Source("LibMTL")] = 0.025,
  weight_decay: Annotated[float, NOT_NEGATIVE, Source("LibMTL")] = 1e-3,
) -> LossBalancer:
  """Return Fast Adaptive Multitask Optimization.

  z = softmax(xi), objective sum_k z_k log(L_k) / c with c = sum_k z_k / L_k
  held fixed, so that the weights sum to 1. xi is updated from the losses L' of
  the same batch after the update: gradient J_softmax^T (log L - log L').

  Args:
    num_tasks: K.
    learning_rate: of xi, Adam.
    weight_decay: gamma, added to the gradient of xi.

  Source: Liu et al., NeurIPS 2023, Algorithm 1; defaults of LibMTL.
  """
  optimizer = optax.chain(
    optax.add_decayed_weights(weight_decay), optax.adam(learning_rate)
  )

  def init() -> FamoState:
    logits = jnp.zeros(num_tasks)
    return FamoState(logits, optimizer.init(logits))

  def weigh(
    state: FamoState, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del key
    chosen = from_weights.softmax(state.logits, present)
    return _normalised(chosen / jnp.maximum(losses, _LEAST), present)

  def observe(state: FamoState, seen: Observation) -> FamoState:
    later = jnp.where(seen.present, seen.later_losses, 0)
    fall = _log(seen.losses) - _log(later)
    fall = jnp.where(seen.present, fall, 0)
    _, pull_back = jax.vjp(
      lambda logits: from_weights.softmax(logits, seen.present), state.logits
    )
    step, inner = optimizer.update(
      pull_back(fall)[0], state.optimizer, state.logits
    )
    new = FamoState(state.logits + step, inner)
    return from_weights.keep_absent(new, state, seen.present)

  return from_weights.from_weights(
    "famo",
    weigh,
    init=init,
    observe=observe,
    needs=Need.POST_UPDATE_LOSSES,
  )


def _log(losses: jax.Array) -> jax.Array:
  """Return the logarithms of the losses, which are at least 1e-8."""
  return jnp.log(jnp.maximum(losses, _LEAST))


def _normalised(weights: jax.Array, present: jax.Array) -> jax.Array:
  """Return the present tasks' weights, scaled to the sum 1."""
  weights = jnp.where(present, weights, 0)
  return numerics.safe_divide(weights, jnp.sum(weights))
