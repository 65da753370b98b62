"""Kind jtr_step: one training step of the released JTR code."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax.core.types import Label, Labels, Predictions
from jtr_jax.methods import jtr
from jtr_jax.methods.base import Method, MethodOutput
from jtr_jax.methods.supervised import view
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
  unusable,
)

_VIEWS = 3
_SETTINGS = dataclasses.replace(jtr.RELEASED, relaxation="straight_through")
_LEARNING_RATE = 1e-4
_TOLERANCE = 1e-5
_GRADIENT_FLOOR = 1e-6  # of the network's largest gradient
_PARAMETER_TOLERANCE = 1e-4
_EVALUATION_TOLERANCE = 1e-3  # biases ahead of batch norm move by rounding


class _Step(NamedTuple):
  """The objects of a recorded step and its inputs."""

  tasks: tuple[Task, ...]
  net: MultiTaskNet
  method: Method
  images: jax.Array
  labels: Labels
  variables: dict[str, Tree]
  states: dict[str, Tree]


class _Result(NamedTuple):
  """What a step computes on the way to its objective."""

  predictions: Predictions
  output: MethodOutput
  states: dict[str, Tree]


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
  """
  with jax.enable_x64(True):
    quantities = list(_quantities(recording))
  yield from quantities


def _quantities(recording: Recording) -> Iterator[Quantity]:
  step = _read(recording)
  objective = jax.value_and_grad(
    functools.partial(_objective, step), has_aux=True
  )
  (total, result), gradients = jax.jit(objective)(step.variables)
  yield from _losses(recording, step, total, result)
  yield from _networks(recording, step, "grad_", gradients, _gradient)
  updated = jax.jit(_adam)(step.variables, gradients)
  yield from _networks(recording, step, "after_", updated, _parameter)
  yield from _statistics(recording, step, result.states)
  predict = jax.jit(functools.partial(step.net.predict, train=False))
  predictions, _ = predict(
    updated["model"], result.states["model"], step.images[0]
  )
  yield _prediction(
    recording, step, "eval/pred", predictions, _EVALUATION_TOLERANCE
  )


def _read(recording: Recording) -> _Step:
  widths = tuple(int(width) for width in recording["filters"])
  tasks = _tasks(tuple(int(n) for n in recording["channel_dims"]))
  names = tuple(task.name for task in tasks)
  dtype = jnp.asarray(0.0).dtype
  channels = sum(task.joint_channels for task in tasks)
  net = MultiTaskNet(
    SegNet(widths, dtype=dtype),
    tuple(Head(task.channels, dtype) for task in tasks),
    tasks,
  )
  autoencoder = AutoEncoder(
    SegNet(widths, statistics="image", dtype=dtype), Head(channels, dtype)
  )
  model = released_weights.model_trees(recording, "model", names)
  own = released_weights.autoencoder_trees(recording, "jtr")
  views = [f"view{index}" for index in range(_VIEWS)]
  variables = {"model": model[0], "jtr": own[0]}
  states = {"model": model[1], "jtr": own[1]}
  widen = functools.partial(jax.tree.map, lambda x: x.astype(dtype))
  return _Step(
    tasks,
    net,
    jtr.jtr(tasks, autoencoder, _SETTINGS),
    jnp.stack([_nhwc(recording[f"{v}/image"], dtype) for v in views]),
    _labels(recording, views, dtype),
    widen(variables),
    widen(states),
  )


def _tasks(channels: tuple[int, ...]) -> tuple[Task, ...]:
  """Return the tasks of NYUv2 (three) or Cityscapes (two)."""
  if len(channels) not in (2, 3) or channels[1:] != (1, 3)[: len(channels) - 1]:
    raise unusable(
      "channel_dims", found=channels, expected="(classes, 1) or (classes, 1, 3)"
    )
  tasks = (
    Segmentation("segmentation", channels[0]),
    Depth("depth"),
    Normals("normals"),
  )
  return tasks[: len(channels)]


def _labels(recording: Recording, views: list[str], dtype: jnp.dtype) -> Labels:
  """Return the labels with the released code's rules of validity."""
  weights = recording["labels_weights"]
  present = jnp.asarray(np.stack([weights > 0] * _VIEWS))

  def label(name: str, column: int, to_array: Callable) -> Label:
    value = jnp.stack([to_array(recording[f"{v}/{name}"]) for v in views])
    if name == "seg":
      return Label(value, value >= 0, present[..., column])
    valid = jnp.sum(value, axis=-1) != 0
    return Label(value, valid, present[..., column])

  dense = functools.partial(_nhwc, dtype=dtype)
  labels = {
    "segmentation": label("seg", 0, lambda x: jnp.asarray(x, jnp.int32)),
    "depth": label("depth", 1, dense),
  }
  if weights.shape[1] == 3:
    labels["normals"] = label("normal", 2, dense)
  return labels


def _objective(
  step: _Step, variables: dict[str, Tree]
) -> tuple[jax.Array, _Result]:
  """Return the released objective, the three views in one batch."""
  images = step.images.reshape(-1, *step.images.shape[2:])
  flat, model_state = step.net.predict(
    variables["model"], step.states["model"], images, train=True
  )
  predictions = {
    name: x.reshape(_VIEWS, -1, *x.shape[1:]) for name, x in flat.items()
  }
  output = step.method.losses(
    variables["jtr"],
    step.states["jtr"],
    predictions,
    step.labels,
    jax.random.key(0),
  )
  supervised = [jnp.mean(loss.sum) for loss in output.task_losses.values()]
  terms = [jnp.mean(term) for term in output.regularizers.values()]
  states = {"model": model_state, "jtr": output.state}
  total = jnp.sum(jnp.stack(supervised + terms))
  return total, _Result(predictions, output, states)


def _losses(
  recording: Recording, step: _Step, total: jax.Array, result: _Result
) -> Iterator[Quantity]:
  tolerance = _TOLERANCE
  for index in range(_VIEWS):
    yield _prediction(
      recording,
      step,
      f"view{index}/pred",
      view(result.predictions, index),
      tolerance,
    )
  losses = [result.output.task_losses[task.name] for task in step.tasks]
  terms = result.output.regularizers
  distance = terms["jtr_distance"] + terms["jtr_autoencoder_distance"]
  actual = {
    "supervised_per_task": jnp.stack([loss.sum for loss in losses], axis=-1),
    "dist": distance / _SETTINGS.dist_weight,
    "recon": terms["jtr_reconstruction"] / _SETTINGS.recon_weight,
    "total": total,
  }
  for name, value in actual.items():
    name = f"loss/{name}"
    yield Quantity(name, recording[name], np.asarray(value), tolerance)


def _prediction(
  recording: Recording,
  step: _Step,
  name: str,
  predictions: Predictions,
  tolerance: float,
) -> Quantity:
  joined = jnp.concatenate(
    [predictions[task.name] for task in step.tasks], axis=-1
  )
  actual = np.asarray(joined).transpose(0, 3, 1, 2)
  return Quantity(name, recording[name], actual, tolerance)


def _networks(
  recording: Recording,
  step: _Step,
  prefix: str,
  trees: dict[str, Tree],
  compare: Callable[[str, np.ndarray, np.ndarray, float], Quantity],
) -> Iterator[Quantity]:
  """Yield every array of both networks' recorded parameters or gradients."""
  names = tuple(task.name for task in step.tasks)
  expected = {
    "model": released_weights.model_trees(recording, f"{prefix}model", names)[
      0
    ],
    "jtr": released_weights.autoencoder_trees(recording, f"{prefix}jtr")[0],
  }
  for network, tree in expected.items():
    leaves = jax.tree.leaves_with_path(tree)
    largest = max(float(jnp.max(jnp.abs(leaf))) for _, leaf in leaves)
    actual = jax.tree.leaves(trees[network])
    for (path, leaf), value in zip(leaves, actual, strict=True):
      name = f"{prefix}{network}/{_path(path)}"
      yield compare(name, np.asarray(leaf), np.asarray(value), largest)


def _gradient(
  name: str, expected: np.ndarray, actual: np.ndarray, largest: float
) -> Quantity:
  """Compare a gradient; one of a bias ahead of batch norm is only rounding."""
  floor = _GRADIENT_FLOOR * largest
  if _is_bias_before_norm(name):
    floor = largest
  return Quantity(name, expected, actual, _TOLERANCE, floor)


def _parameter(
  name: str, expected: np.ndarray, actual: np.ndarray, largest: float
) -> Quantity:
  """Compare an updated parameter.

  Adam's first step is g / (|g| + 1e-8), which magnifies the rounding of tiny
  gradients: hence 1e-4 at any precision. The gradient of a bias ahead of batch
  norm is nothing but rounding, so such a bias agrees within two full steps.
  """
  del largest
  scale = float(np.max(np.abs(expected)))
  tolerance = _PARAMETER_TOLERANCE
  if _is_bias_before_norm(name):
    tolerance = max(_PARAMETER_TOLERANCE, 2.01 * _LEARNING_RATE / scale)
  return Quantity(name, expected, actual, tolerance)


def _is_bias_before_norm(name: str) -> bool:
  """Whether the parameter is one that batch norm makes irrelevant."""
  return (
    name.endswith("bias")
    and "coder" in name.split("/")[-3]
    and (name.split("/")[-2].startswith("conv"))
  )


def _adam(variables: Tree, gradients: Tree) -> Tree:
  """Return the variables after the first step of Adam."""
  optimizer = optax.adam(_LEARNING_RATE)
  updates, _ = optimizer.update(gradients, optimizer.init(variables))
  return optax.apply_updates(variables, updates)


def _statistics(
  recording: Recording, step: _Step, states: dict[str, Tree]
) -> Iterator[Quantity]:
  """Yield the running statistics of batch norm after the step."""
  names = tuple(task.name for task in step.tasks)
  expected = {
    "model": released_weights.model_trees(recording, "after_model", names)[1],
    "jtr": released_weights.autoencoder_trees(recording, "after_jtr")[1],
  }
  for network, tree in expected.items():
    leaves = jax.tree.leaves_with_path(tree)
    actual = jax.tree.leaves(states[network])
    for (path, leaf), value in zip(leaves, actual, strict=True):
      yield Quantity(
        f"after_{network}/{_path(path)}",
        np.asarray(leaf),
        np.asarray(value),
        _TOLERANCE,
      )


def _path(path: tuple) -> str:
  return jax.tree_util.keystr(path, simple=True, separator="/")


def _nhwc(array: np.ndarray, dtype: jnp.dtype) -> jax.Array:
  return jnp.asarray(np.transpose(array, (0, 2, 3, 1)), dtype)
