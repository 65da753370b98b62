"""Losses and codes of what pairwise mappings estimate, as steps of a scan.

The target of a pair is not known when the scan is traced, so what depends on
the kind of its task is a `switch`.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.core import numerics, rng
from jtr_jax.core.types import Labels, Predictions
from jtr_jax.methods import pair_codes, task_pairs
from jtr_jax.methods.base import Tree
from jtr_jax.tasks.base import Relaxation, Task


class Pair(NamedTuple):
  """An ordered pair of tasks.

  Attributes:
    params: of its mapping.
    number: i32[], its place among the pairs.
    source: i32[], a place among the tasks.
    target: i32[].
    inverse: i32[], the place of the pair that leads back.
    real: bool[B], the image has this pair.
  """

  params: Tree
  number: jax.Array
  source: jax.Array
  target: jax.Array
  inverse: jax.Array
  real: jax.Array


class Scene(NamedTuple):
  """Inputs of all pairs of a batch.

  Attributes:
    predicted: f32[K, B, H, W, J], codes of predictions.
    labelled: f32[K, B, H, W, J], codes of labels, 0 where `mask` is False.
    mask: bool[K, B, H, W], the pixels with ground truth of labelled images.
    present: bool[B, K], the image is labelled for the task.
    labels: for each task its label.
    key: of relaxations.
  """

  predicted: jax.Array
  labelled: jax.Array
  mask: jax.Array
  present: jax.Array
  labels: Labels
  key: jax.Array


def make_scene(
  tasks: tuple[Task, ...],
  predictions: Predictions,
  labels: Labels,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> Scene:
  """Return the codes of all tasks, padded to the channels of the widest.

  Args:
    tasks: the tasks.
    predictions: for each task f32[B, H, W, C].
    labels: for each task its label.
    relaxation: of predicted segmentation.
    key: for its noise.
  """
  predicted = [
    pair_codes.encode_prediction(
      task,
      predictions[task.name],
      "joint",
      relaxation=relaxation,
      key=rng.stream(key, task.name),
    )
    for task in tasks
  ]
  labelled = [
    pair_codes.encode_label(
      task,
      labels[task.name],
      "joint",
      predictions[task.name],
      relaxation=relaxation,
      key=rng.stream(key, task.name),
    )
    for task in tasks
  ]
  width = code_width(tasks)
  mask = jnp.stack([labels[task.name].mask for task in tasks])
  return Scene(
    _stack(predicted, width),
    _stack(labelled, width),
    mask,
    task_pairs.stack_presence(tasks, labels),
    labels,
    key,
  )


def code_width(tasks: tuple[Task, ...]) -> int:
  """Return the channels of the widest code."""
  return max(task.joint_channels for task in tasks)


def of_task(stacked: jax.Array, task: jax.Array) -> jax.Array:
  """Return one task's part of an array with a leading axis of tasks."""
  return jax.lax.dynamic_index_in_dim(stacked, task, keepdims=False)


def of_images(codes: jax.Array, task: jax.Array, real: jax.Array) -> jax.Array:
  """Return a task's code f32[B, H, W, J], zeros for images without the pair."""
  return jnp.where(real[:, None, None, None], of_task(codes, task), 0)


def loss(
  tasks: tuple[Task, ...], scene: Scene, pair: Pair, raw: jax.Array
) -> jax.Array:
  """Return f32[B], the target's loss of an estimate; 0 without the pair.

  Args:
    tasks: the tasks.
    scene: has the labels.
    pair: says which task it is.
    raw: f32[B, H, W, C], output of the mapping; the target's channels first.
  """

  def loss_of(task: Task) -> Callable[[jax.Array], jax.Array]:
    label = scene.labels[task.name]
    counted = dataclasses.replace(label, present=label.present & pair.real)
    return lambda raw: task.loss(_activate(task, raw), counted).per_image()

  losses: jax.Array = jax.lax.switch(
    pair.target, [loss_of(task) for task in tasks], raw
  )
  return losses


def difference(
  tasks: tuple[Task, ...], pair: Pair, first: jax.Array, second: jax.Array
) -> jax.Array:
  """Return f32[B], the mean absolute difference of two estimates of the target.

  Args:
    tasks: the tasks.
    pair: says which of them is the target.
    first: f32[B, H, W, C], output of the mapping; the target's channels first.
    second: the same.
  """

  def difference_of(task: Task) -> Callable[..., jax.Array]:
    def compare(*both: jax.Array) -> jax.Array:
      a, b = (task.comparable(_activate(task, raw)) for raw in both)
      return jnp.mean(jnp.abs(a - b), axis=(1, 2, 3))

    return compare

  means: jax.Array = jax.lax.switch(
    pair.target, [difference_of(task) for task in tasks], first, second
  )
  return means


def code(
  tasks: tuple[Task, ...],
  scene: Scene,
  pair: Pair,
  raw: jax.Array,
  relaxation: Relaxation,
) -> jax.Array:
  """Return an estimate's code f32[B, H, W, J], with the holes of the label.

  Args:
    tasks: the tasks.
    scene: has the labels.
    pair: says which task it is.
    raw: f32[B, H, W, C], output of the mapping; the target's channels first.
    relaxation: of segmentation.
  """
  key = rng.stream(scene.key, "estimate", pair.number)

  def code_of(task: Task) -> Callable[[jax.Array], jax.Array]:
    mask = scene.labels[task.name].mask & pair.real[:, None, None]

    def encode(raw: jax.Array) -> jax.Array:
      guess = pair_codes.encode_prediction(
        task, _activate(task, raw), "joint", relaxation=relaxation, key=key
      )
      return _pad(numerics.fill(guess, mask), code_width(tasks))

    return encode

  codes: jax.Array = jax.lax.switch(
    pair.target, [code_of(task) for task in tasks], raw
  )
  return codes


def _activate(task: Task, raw: jax.Array) -> jax.Array:
  return task.activate(raw[..., : task.channels])


def _stack(codes: list[jax.Array], width: int) -> jax.Array:
  return jnp.stack([_pad(code, width) for code in codes])


def _pad(code: jax.Array, width: int) -> jax.Array:
  """Return [..., width], with zeros for the channels that are missing."""
  missing = [(0, 0)] * (code.ndim - 1) + [(0, width - code.shape[-1])]
  return jnp.pad(code, missing)
