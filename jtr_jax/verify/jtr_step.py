"""Kind jtr_step: one training step of the released JTR code."""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.core.types import Predictions
from jtr_jax.methods.base import MethodInput, MethodOutput
from jtr_jax.methods.supervised import view
from jtr_jax.models.base import Tree
from jtr_jax.train.forward import run_views
from jtr_jax.verify import jtr_recording, recorded_trees
from jtr_jax.verify.comparison import Quantity, Recording
from jtr_jax.verify.jtr_recording import SETTINGS, VIEWS, Step, Trees
from jtr_jax.verify.recorded_trees import LOSS_TOLERANCE, pairs

_LEARNING_RATE = 1e-4
_PARAMETER_TOLERANCE = 1e-4
_EVALUATION_TOLERANCE = 1e-3  # biases ahead of batch norm move by rounding
_BIAS_BEFORE_NORM = re.compile(r"/(en|de)coder\d/conv\d/bias$")


class Losses(NamedTuple):
  """What a step computes on the way to its objective."""

  predictions: Predictions
  output: MethodOutput
  states: dict[str, Tree]


class Outcome(NamedTuple):
  """Everything that a recorded step holds, recomputed.

  Attributes:
    total: the objective.
    losses: what it is made of, and the running statistics after the step.
    gradients: of the objective, of "model" and "jtr".
    updated: the parameters after one step of Adam.
    evaluation: predictions for view 0 in evaluation mode after the step.
  """

  total: jax.Array
  losses: Losses
  gradients: dict[str, Tree]
  updated: dict[str, Tree]
  evaluation: Predictions


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield predictions, losses, gradients and the updated networks.

  Computed in float64 whatever the default: in the tiny recorded networks the
  auto-encoder normalises over two pixels at its bottleneck, which magnifies
  float32 rounding in its gradients to some percent.

  Args:
    recording: see the golden files' README, kind jtr_step. The released code
      ran with the arg max in place of every Gumbel draw; so does this.

  Returns:
    The quantities; losses and gradients agree within 1e-5.

  Raises:
    RecordError: an array is missing or has the wrong shape.
  """
  with jax.enable_x64(True):
    step = jtr_recording.read(recording)
    quantities = list(compare(recording, step, run(step)))
  yield from quantities


def run(step: Step) -> Outcome:
  """Compute the quantities of the step."""
  differentiate = jax.value_and_grad(
    functools.partial(objective, step), has_aux=True
  )
  (total, losses), gradients = jax.jit(differentiate)(step.variables)
  updated = jax.jit(_adam)(step.variables, gradients)
  predict = jax.jit(functools.partial(step.net.predict, train=False))
  evaluation, _ = predict(
    updated["model"], losses.states["model"], step.images[0]
  )
  return Outcome(total, losses, gradients, updated, evaluation)


def compare(
  recording: Recording, step: Step, outcome: Outcome
) -> Iterator[Quantity]:
  """Yield every recorded quantity beside the recomputed one."""
  trees = functools.partial(jtr_recording.trees, recording, step.tasks)
  yield from _losses(recording, step, outcome.total, outcome.losses)
  slopes = trees("grad_", statistics=False)
  yield from recorded_trees.gradients(
    {network: tree for network, (tree, _) in slopes.items()}, outcome.gradients
  )
  after = trees("after_")
  yield from _parameters(after, outcome.updated)
  yield from _statistics(after, outcome.losses.states)
  yield recorded_trees.prediction(
    recording,
    step.tasks,
    "eval/pred",
    outcome.evaluation,
    _EVALUATION_TOLERANCE,
  )


def objective(
  step: Step, variables: dict[str, Tree]
) -> tuple[jax.Array, Losses]:
  """Return the released objective, the three views in one batch."""
  seen, model_state = run_views(
    step.net,
    variables["model"],
    step.states["model"],
    step.images,
    step.method.views,
  )
  inputs = MethodInput(
    *seen, step.labels, jnp.zeros((), jnp.int32), jax.random.key(0)
  )
  output = step.method.losses(variables["jtr"], step.states["jtr"], inputs)
  supervised = [jnp.mean(loss.sum) for loss in output.task_losses.values()]
  terms = [jnp.mean(term) for term in output.regularizers.values()]
  states = {"model": model_state, "jtr": output.state}
  total = jnp.sum(jnp.stack(supervised + terms))
  return total, Losses(seen.predictions, output, states)


def _losses(
  recording: Recording, step: Step, total: jax.Array, result: Losses
) -> Iterator[Quantity]:
  for index in range(VIEWS):
    predictions = view(result.predictions, index)
    yield recorded_trees.prediction(
      recording, step.tasks, f"view{index}/pred", predictions
    )
  losses = [result.output.task_losses[task.name] for task in step.tasks]
  terms = result.output.regularizers
  distance = terms["jtr_distance"] + terms["jtr_autoencoder_distance"]
  computed = {
    "supervised_per_task": jnp.stack([loss.sum for loss in losses], axis=-1),
    "dist": distance / SETTINGS.dist_weight,
    "recon": terms["jtr_reconstruction"] / SETTINGS.recon_weight,
    "total": total,
  }
  yield from recorded_trees.losses(recording, computed)


def _parameters(
  recorded: Trees, recomputed: dict[str, Tree]
) -> Iterator[Quantity]:
  """Compare updated parameters.

  Adam's first step is g / (|g| + 1e-8), which magnifies the rounding of tiny
  gradients: hence 1e-4 at any precision. The gradient of a bias ahead of batch
  norm is nothing but rounding, so such a bias agrees within two full steps.
  """
  two_steps = 2.01 * _LEARNING_RATE / _PARAMETER_TOLERANCE
  for network, (tree, _) in recorded.items():
    prefix = f"after_{network}"
    for name, expected, actual in pairs(prefix, tree, recomputed[network]):
      quantity = Quantity(name, expected, actual, _PARAMETER_TOLERANCE)
      if _BIAS_BEFORE_NORM.search(name):
        quantity = dataclasses.replace(quantity, floor=two_steps)
      yield quantity


def _statistics(
  recorded: Trees, recomputed: dict[str, Tree]
) -> Iterator[Quantity]:
  """Compare the running statistics of batch norm after the step."""
  for network, (_, tree) in recorded.items():
    prefix = f"after_{network}"
    for name, expected, actual in pairs(prefix, tree, recomputed[network]):
      yield Quantity(name, expected, actual, LOSS_TOLERANCE)


def _adam(variables: Tree, gradients: Tree) -> Tree:
  """Return the variables after the first step of Adam."""
  optimizer = optax.adam(_LEARNING_RATE)
  updates, _ = optimizer.update(gradients, optimizer.init(variables))
  return optax.apply_updates(variables, updates)
