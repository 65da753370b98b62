"""Gradients of a training step, balanced; see `train.task_weighting`."""

from typing import Any

import jax

from jtr_jax.balancing.loss_balancer import Need, Observation
from jtr_jax.methods.base import MethodOutput
from jtr_jax.train import forward, task_weighting
from jtr_jax.train.per_task_gradients import per_task_gradients
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.step_parts import (
  Batch,
  Extra,
  Program,
  StepGradients,
  method_output,
  weigh,
)
from jtr_jax.train.task_weighting import BalancingState


def step_gradients(
  program: Program,
  state: TrainState,
  batch: Batch,
  extra: Extra | None = None,
) -> StepGradients:
  """Return the balanced gradients of all parameters.

  Args:
    program: network, method and balancing.
    state: before the step.
    batch: views and labels.
    extra: for a gradient balancer that needs another batch.
  """
  if program.balancing.needs_task_gradients:
    return per_task_gradients(program, state, batch, extra)
  return _plain(program, state, batch)


def forward_losses(
  program: Program, state: TrainState, params: Tree, batch: Batch
) -> tuple[jax.Array, jax.Array, MethodOutput, Tree]:
  """Return the tasks' losses, which are present, the output and new states."""
  seen, model_state = forward.run_views(
    program.net,
    params,
    state.model_state,
    batch.images,
    program.method.views,
    batch.key,
  )
  output = method_output(program, state, params["method"], seen, batch)
  values, present = task_weighting.task_losses(
    output, program.names, program.balancing.task_loss
  )
  return values, present, output, {**model_state, "method": output.state}


def observe(
  program: Program,
  state: TrainState,
  params: Tree,
  batch: Batch,
  found: StepGradients,
) -> BalancingState:
  """Return the balancers' new state, after the update.

  Args:
    program: network, method and balancing.
    state: before the step.
    params: after it.
    batch: views and labels.
    found: the gradients of the step.
  """
  if program.balancing.looks_ahead:
    return found.balancing  # it has changed before the step, see look_ahead
  loss, losses = program.balancing.loss, found.losses
  seen = Observation(losses.values, losses.present, state.step)
  if found.gram is not None:
    seen = seen._replace(norms=found.gram.norms, cosines=found.gram.cosines)
  if Need.POST_UPDATE_LOSSES in loss.needs:
    values, *_ = forward_losses(program, state, params, batch)
    seen = seen._replace(later_losses=values)
  return found.balancing._replace(loss=loss.observe(state.balancing.loss, seen))


def _plain(program: Program, state: TrainState, batch: Batch) -> StepGradients:
  """Return the gradients of the weighted losses, in one backward pass."""

  def objective(params: Tree) -> tuple[jax.Array, Any]:
    values, present, output, model_state = forward_losses(
      program, state, params, batch
    )
    losses = weigh(program, state, params, values, present, batch)
    total = losses.objective + task_weighting.regularizer(output)
    return total, (output, model_state, losses)

  gradients, (output, model_state, losses) = jax.grad(objective, has_aux=True)(
    state.params
  )
  return StepGradients(
    gradients, output, model_state, losses, None, state.balancing
  )
