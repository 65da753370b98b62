"""Codes of predictions and labels, the inputs of mappings between tasks."""

from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.core import numerics, rng
from jtr_jax.core.types import Label, Labels, Predictions
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.tasks.base import Geometry, Relaxation, Task

Code: TypeAlias = Literal["joint", "released"]
"""The joint encoding of the tasks, or what the released MTPSL computes."""

_DEPTHS = (Geometry.DEPTH, Geometry.INVERSE_DEPTH)


class Codes(NamedTuple):
  """Every task's code, of its prediction and of its label.

  Attributes:
    predictions: for each task f32[B, H, W, J], in order.
    labels: the same; anything where the image has no such label.
  """

  predictions: tuple[jax.Array, ...]
  labels: tuple[jax.Array, ...]


def encode(
  tasks: tuple[Task, ...],
  predictions: Predictions,
  labels: Labels,
  code: Code,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> Codes:
  """Return the codes of all tasks.

  Args:
    tasks: the tasks.
    predictions: for each task f32[B, H, W, C].
    labels: for each task its label.
    code: "joint" is the task's joint encoding, with zeros where a label has no
      ground truth. "released" divides depth by its largest value in the image
      and takes (n + 1) / 2 of normals of any length; where a label has no
      ground truth it is the code of the value 0.
    relaxation: of predicted segmentation.
    key: of its noise.

  Source: released MTPSL model/mapfns.py, `pre_process_pred`, `pre_process_gt`.
  """
  return Codes(
    tuple(
      encode_prediction(
        task,
        predictions[task.name],
        code,
        relaxation=relaxation,
        key=rng.stream(key, task.name),
      )
      for task in tasks
    ),
    tuple(
      encode_label(
        task,
        labels[task.name],
        code,
        predictions[task.name],
        relaxation=relaxation,
        key=rng.stream(key, task.name),
      )
      for task in tasks
    ),
  )


def labels_first(codes: Codes, present: jax.Array) -> tuple[jax.Array, ...]:
  """Return for each task the code of the label, or else of the prediction.

  Args:
    codes: of B images.
    present: bool[B, K], the image is labelled for the task.

  Returns:
    For each task f32[B, H, W, J].
  """
  return tuple(
    jnp.where(present[:, k, None, None, None], label, prediction)
    for k, (prediction, label) in enumerate(zip(*codes, strict=True))
  )


def predictions_then_labels(codes: Codes) -> tuple[jax.Array, ...]:
  """Return for each task f32[2 B, H, W, J], the codes of labels last."""
  return tuple(jnp.concatenate(both) for both in zip(*codes, strict=True))


def encode_label(
  task: Task,
  label: Label,
  code: Code,
  prediction: jax.Array,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> jax.Array:
  """Return the code f32[B, H, W, J] of a label.

  Where it leaves several classes open, the prediction chooses among them; no
  gradient reaches it from there.
  """
  if code == "released" and task.geometry is not Geometry.CATEGORICAL:
    return _released(task, numerics.fill(label.value, label.mask))
  found = joint_tensor.encode_label(task, label, label.mask, "zero")
  if not task.has_sets:
    return found
  choice = task.joint_prediction(
    task.restrict(jax.lax.stop_gradient(prediction), label),
    relaxation=relaxation,
    key=key,
  )
  return jnp.where(task.leaves_open(label)[..., None], choice, found)


def encode_prediction(
  task: Task,
  prediction: jax.Array,
  code: Code,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> jax.Array:
  """Return the code f32[B, H, W, J] of a prediction."""
  if code == "joint" or task.geometry is Geometry.CATEGORICAL:
    return task.joint_prediction(prediction, relaxation=relaxation, key=key)
  return _released(task, prediction)


def _released(task: Task, value: jax.Array) -> jax.Array:
  value = numerics.widen(value)
  if task.geometry in _DEPTHS:
    return value / (_largest(value) + 1e-12)
  return (value + 1) / 2 if task.geometry is Geometry.NORMALS else value


def _largest(x: jax.Array) -> jax.Array:
  """Return f32[B, 1, 1, 1], with the gradient to one pixel of each image."""
  # By its place: the gradient of `jnp.max` compares x with the maximum again,
  # which another fusion may have rounded differently.
  flat = x.reshape(len(x), -1)
  place = jnp.argmax(jax.lax.stop_gradient(flat), axis=1, keepdims=True)
  return jnp.take_along_axis(flat, place, axis=1)[..., None, None]
