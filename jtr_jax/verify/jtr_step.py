"""Kind jtr_step: one training step of the released JTR code."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax.core.types import Label, Labels, Predictions, Weighted
from jtr_jax.methods import jtr
from jtr_jax.methods.base import Method, MethodOutput
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet, Tree
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.verify import released_weights
from jtr_jax.verify.comparison import (
  Quantity,
  Recording,
  numeric_tolerance,
  unusable,
)

_VIEWS = 3
_LEARNING_RATE = 1e-4
_GRADIENT_FLOOR = 1e-6  # of the network's largest gradient


class _Step(NamedTuple):
  """The objects of a recorded step and its inputs."""

  tasks: tuple[Task, ...]
  net: MultiTaskNet
  method: Method
  images: jax.Array
  labels: Labels
  variables: dict[str, Tree]
  states: dict[str, Tree]


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield predictions, losses, gradients and the updated networks.

  Args:
    recording: see golden/README, kind jtr_step. The released code runs with the
      arg max in place of every Gumbel draw, and so does the recomputation.

  Returns:
    The quantities: losses and gradients at `numeric_tolerance()`.
  """
  step = _read(recording)
  objective = jax.jit(
    jax.value_and_grad(lambda variables: _objective(step, variables), has_aux=True)
  )
  (total, (predictions, output, states)), gradients = objective(step.variables)
  yield from _losses(recording, step, total, predictions, output)
  yield from _trees(recording, step, "grad_", gradients, {})
  updated = _adam(step.variables, gradients)
  yield from _trees(recording, step, "after_", updated, states)
  yield from _evaluation(recording, step, updated["model"], states["model"])


def _objective(
  step: _Step, variables: dict[str, Tree]
) -> tuple[jax.Array, tuple[Predictions, MethodOutput, dict[str, Tree]]]:
  """Return the mean over images of the released objective."""
  images = step.images.reshape(-1, *step.images.shape[2:])
  flat, model_state = step.net.predict(
    variables["model"], step.states["model"], images, train=True
  )
  predictions = {
    name: x.reshape(_VIEWS, -1, *x.shape[1:]) for name, x in flat.items()
  }
  output = step.method.losses(
    variables["jtr"], step.states["jtr"], predictions, step.labels,
    jax.random.key(0),
  )
  supervised = sum(
    jnp.mean(loss.sum) for loss in output.task_losses.values()
  )
  total = supervised + sum(output.regularizers.values())
  states = {"model": model_state, "jtr": output.state}
  return total, (predictions, output, states)


def _losses(
  recording: Recording,
  step: _Step,
  total: jax.Array,
  predictions: Predictions,
  output: MethodOutput,
) -> Iterator[Quantity]:
  tolerance = numeric_tolerance()
  for index in range(_VIEWS):
    joined = jnp.concatenate(
      [predictions[task.name][index] for task in step.tasks], axis=-1
    )
    yield _images(recording, f"view{index}/pred", joined, tolerance)
  per_task = jnp.stack(
    [
      _or_nan(output.task_losses[task.name], step.labels[task.name])
      for task in step.tasks
    ],
    axis=-1,
  )
  yield _quantity(recording, "loss/supervised_per_task", per_task, tolerance)
  yield _quantity(recording, "loss/dist", _distances(step, predictions), tolerance)
  yield _quantity(recording, "loss/total", total, tolerance)
