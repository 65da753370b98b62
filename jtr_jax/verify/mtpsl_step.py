"""Kind mtpsl_step: one training step of the released MTPSL code."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.core.types import Labels, Predictions
from jtr_jax.methods import mtpsl
from jtr_jax.methods.base import Method, MethodInput, MethodOutput
from jtr_jax.methods.supervised import view
from jtr_jax.models.base import Tree
from jtr_jax.models.mapping import MappingNet
from jtr_jax.models.multitask import MultiTaskNet, NetOutput
from jtr_jax.tasks.base import Task
from jtr_jax.train.forward import run_views
from jtr_jax.verify import recorded_step, recorded_trees, released_weights
from jtr_jax.verify.comparison import Quantity, Recording, unusable

VIEWS = 2
SETTINGS = dataclasses.replace(mtpsl.RELEASED, relaxation="straight_through")


class Step(NamedTuple):
  """The objects of a recorded step and its inputs.

  Attributes:
    tasks: of NYUv2 (three) or Cityscapes (two).
    net: the model.
    method: MTPSL as released, with the arg max in place of every draw.
    images: f64[V, B, H, W, 3].
    labels: with leading axes V and B.
    variables: parameters of "model" and "maps".
    state: running statistics of the model.
  """

  tasks: tuple[Task, ...]
  net: MultiTaskNet
  method: Method
  images: jax.Array
  labels: Labels
  variables: dict[str, Tree]
  state: Tree


class Outcome(NamedTuple):
  """Everything that a recorded step holds, recomputed.

  Attributes:
    total: the objective.
    seen: predictions and features of both views.
    output: what the objective is made of.
    gradients: of the objective, of "model" and "maps".
  """

  total: jax.Array
  seen: NetOutput
  output: MethodOutput
  gradients: dict[str, Tree]


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield predictions, the feature, losses and all gradients.

  Computed in float64 whatever the default, as for kind jtr_step.

  Args:
    recording: see the golden files' README, kind mtpsl_step. The released code
      ran with the arg max in place of every Gumbel draw; so does this.

  Returns:
    The quantities; they agree within 1e-5.

  Raises:
    RecordError: an array is missing or has the wrong shape.
  """
  with jax.enable_x64(True):
    step = read(recording)
    quantities = list(compare(recording, step, run(step)))
  yield from quantities


def read(recording: Recording) -> Step:
  """Return a recorded step, in float64 where JAX has it enabled.

  Args:
    recording: see the golden files' README, kind mtpsl_step.

  Raises:
    RecordError: an array is missing or has the wrong shape.
  """
  tasks = _tasks(recording)
  images, labels = recorded_step.read_views(recording, tasks, VIEWS)
  widths = recorded_step.read_filters(recording)
  net = recorded_step.make_net(tasks, widths, images.dtype)
  names = tuple(task.name for task in tasks)
  method = mtpsl.mtpsl(tasks, MappingNet(names, widths, images.dtype), SETTINGS)
  model = released_weights.model_trees(recording, "model", names)
  maps = released_weights.mapping_tree(recording, "maps", names)
  height, width = images.shape[2:4]
  recorded_step.check_shapes(
    "model", model, lambda key: net.init(key, (height, width, 3))
  )
  recorded_step.check_shapes(
    "maps", (maps, {}), lambda key: method.init(key, (height, width))
  )
  widen = functools.partial(jax.tree.map, lambda x: x.astype(images.dtype))
  return Step(
    tasks,
    net,
    method,
    images,
    labels,
    {"model": widen(model[0]), "maps": widen(maps)},
    widen(model[1]),
  )


def run(step: Step) -> Outcome:
  """Compute the quantities of the step."""
  differentiate = jax.value_and_grad(
    functools.partial(objective, step), has_aux=True
  )
  (total, (seen, output)), gradients = jax.jit(differentiate)(step.variables)
  return Outcome(total, seen, output, gradients)


def objective(
  step: Step, variables: dict[str, Tree]
) -> tuple[jax.Array, tuple[NetOutput, MethodOutput]]:
  """Return the released objective, both views in one batch."""
  seen, _ = run_views(
    step.net, variables["model"], step.state, step.images, step.method.views
  )
  inputs = MethodInput(
    *seen, step.labels, jnp.zeros((), jnp.int32), jax.random.key(0)
  )
  output = step.method.losses(variables["maps"], {}, inputs)
  supervised = [jnp.mean(loss.sum) for loss in output.task_losses.values()]
  total = sum(supervised) + jnp.mean(output.regularizers["cross_task"])
  return total, (seen, output)


def compare(
  recording: Recording, step: Step, outcome: Outcome
) -> Iterator[Quantity]:
  """Yield every recorded quantity beside the recomputed one."""
  for index in range(VIEWS):
    predictions = view(outcome.seen.predictions, index)
    yield recorded_trees.prediction(
      recording, step.tasks, f"view{index}/pred", _as_released(predictions)
    )
  feature = outcome.seen.features.bottleneck[1]
  yield recorded_trees.feature_map(recording, "view1/feat", feature)
  losses = [outcome.output.task_losses[task.name] for task in step.tasks]
  computed = {
    "supervised_per_task": jnp.stack([loss.sum for loss in losses], axis=-1),
    "cross_task": outcome.output.regularizers["cross_task"] / SETTINGS.weight,
    "total": outcome.total,
  }
  yield from recorded_trees.losses(recording, computed)
  names = tuple(task.name for task in step.tasks)
  model, _ = released_weights.model_trees(
    recording, "grad_model", names, statistics=False
  )
  maps = released_weights.mapping_tree(recording, "grad_maps", names)
  yield from recorded_trees.gradients(
    {"model": model, "maps": maps}, outcome.gradients
  )


def _as_released(predictions: Predictions) -> Predictions:
  """Return log probabilities instead of logits: so the released decoder ends.

  It is the same to the cross-entropy and to a draw.
  """
  logits = predictions["segmentation"]
  return {**predictions, "segmentation": jax.nn.log_softmax(logits)}


def _tasks(recording: Recording) -> tuple[Task, ...]:
  """Return the tasks; their channels are those of the recorded heads."""
  weights = recording["labels_weights"]
  if weights.ndim != 2 or not 2 <= weights.shape[1] <= 3:
    raise unusable(
      "labels_weights", found=weights.shape, expected="[B, 2] or [B, 3]"
    )
  heads = [f"model/pred_task{k + 1}.1.bias" for k in range(weights.shape[1])]
  channels = tuple(recording[head].size for head in heads)
  return recorded_step.make_tasks("model/pred_task*.1.bias", channels)
