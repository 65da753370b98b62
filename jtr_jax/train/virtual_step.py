"""A virtual step: how weights would change the primary losses."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing.loss_balancer import Observation
from jtr_jax.core import numerics
from jtr_jax.train.gradients import forward_losses
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.step_parts import Batch, Program, weigh
from jtr_jax.train.task_weighting import BALANCER, LookAhead, Losses

_DISTANCE = 0.01  # of the finite difference, released code


def look_ahead(
  program: Program, state: TrainState, batch: Batch, extra: Batch
) -> TrainState:
  """Return the state with weights updated by a virtual step.

  After a virtual step theta' = theta - eta (sum_k w_k grad L_k + m b + d theta)
  on the batch, v is the gradient of the primary losses on the extra batch. The
  derivative in w_k is -eta <v, grad L_k(theta)>, taken as the difference
  (L_k(theta + e v) - L_k(theta - e v)) / 2 e with e = 0.01 / |v|. It is 0 for
  all tasks without a primary label in the extra batch, and for tasks without a
  label in the batch.

  Args:
    program: `balancing.look_ahead` says eta, the momentum m of the optimiser's
      buffer b, if it keeps one, the weight decay d, and the primary tasks.
    state: before the step.
    batch: of the step.
    extra: another batch.

  Source: Liu et al., TMLR 2022, Eq. (6) and the released code.
  Deviations: batch statistics of these passes are discarded, where the released
    code keeps them; regularisers of a method take no part.
  """
  settings = program.balancing.look_ahead
  if settings is None:
    raise ValueError(f"{program.balancing.loss.name!r} has no virtual step")
  network = {n: p for n, p in state.params.items() if n != BALANCER}

  def losses(params: Tree, seen: Batch) -> tuple[jax.Array, jax.Array]:
    whole = {**params, BALANCER: state.params[BALANCER]}
    values, present, *_ = forward_losses(program, state, whole, seen)
    return jnp.where(present, values, 0), present

  def objective(params: Tree) -> tuple[jax.Array, Losses]:
    found = weigh(program, state, state.params, *losses(params, batch), batch)
    weights = jax.lax.stop_gradient(found.shared_weights)
    return jnp.sum(weights * found.values), found

  gradient, found = jax.grad(objective, has_aux=True)(network)
  rate = settings.rate(state.step)
  ahead = _virtual_step(settings, state, network, gradient, rate)
  primary = jnp.array(settings.primary)
  direction = jax.grad(lambda p: jnp.sum(losses(p, extra)[0][primary]))(ahead)
  length = optax.tree.norm(direction)
  distance = numerics.safe_divide(jnp.full_like(length, _DISTANCE), length)
  above, below = (
    losses(optax.tree.add_scale(network, sign * distance, direction), batch)[0]
    for sign in (1, -1)
  )
  influence = rate * numerics.safe_divide(above - below, 2 * distance)
  seen = Observation(
    found.values, found.present, state.step, influence=influence
  )
  after = program.balancing.loss.observe(state.balancing.loss, seen)
  return dataclasses.replace(
    state, balancing=state.balancing._replace(loss=after)
  )


def _virtual_step(
  settings: LookAhead,
  state: TrainState,
  params: Tree,
  gradient: Tree,
  rate: jax.Array,
) -> Tree:
  """Return the parameters after a step of gradient descent."""
  gradient = optax.tree.add_scale(gradient, settings.weight_decay, params)
  for _, buffer in optax.tree.get_all_with_path(state.opt_state, "trace"):
    own = {name: buffer[name] for name in params}
    gradient = jax.tree.map(
      lambda g, b: g if _is_masked(b) else g + settings.momentum * b,
      gradient,
      own,
    )
  return optax.tree.add_scale(params, -rate, gradient)


def _is_masked(buffer: Any) -> bool:
  """Return whether a parameter is of another group than this buffer."""
  return isinstance(buffer, optax.MaskedNode)
