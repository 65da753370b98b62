"""What mappings between pairs of tasks read: codes of predictions and labels.

A pair leads from an unlabelled task to a labelled one. So a task of an image
takes part with its prediction or with its label, never with both.
"""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.core import numerics, rng
from jtr_jax.core.types import Label, Labels, Predictions
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.tasks.base import Geometry, Relaxation, Task

Code: TypeAlias = Literal["joint", "released"]
"""The joint encoding of the tasks, or what the released MTPSL computes."""

_DEPTHS = (Geometry.DEPTH, Geometry.INVERSE_DEPTH)


def encode(
  tasks: tuple[Task, ...],
  predictions: Predictions,
  labels: Labels,
  code: Code,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> tuple[jax.Array, ...]:
  """Return every task's code: of the label, or of the prediction without one.

  Args:
    tasks: the tasks.
    predictions: for each task f32[B, H, W, C].
    labels: for each task its label.
    code: "joint" is the task's joint encoding, with zeros where a label has no
      ground truth. "released" takes depth over its largest value in the image
      and (n + 1) / 2 of normals as they are, and the code of the value 0 where
      a label has no ground truth.
    relaxation: of predicted segmentation.
    key: for its noise.

  Returns:
    For each task f32[B, H, W, J], in order.

  Source: released MTPSL model/mapfns.py, `pre_process_pred`, `pre_process_gt`.
  """
  codes = []
  for task in tasks:
    label = labels[task.name]
    of_prediction = encode_prediction(
      task,
      predictions[task.name],
      code,
      relaxation=relaxation,
      key=rng.stream(key, task.name),
    )
    present = label.present[:, None, None, None]
    of_label = encode_label(task, label, code)
    codes.append(jnp.where(present, of_label, of_prediction))
  return tuple(codes)


def encode_label(task: Task, label: Label, code: Code) -> jax.Array:
  """Return the code f32[B, H, W, J] of a label."""
  if code == "joint" or task.geometry is Geometry.CATEGORICAL:
    return joint_tensor.encode_label(task, label, label.mask, "zero")
  return _released(task, numerics.fill(label.value, label.mask))


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
  """Return f32[B, 1, 1, 1], with the gradient to one pixel of each image.

  By its place: the gradient of `jnp.max` compares x with the maximum again,
  which another fusion may have rounded differently.
  """
  flat = x.reshape(len(x), -1)
  place = jnp.argmax(jax.lax.stop_gradient(flat), axis=1, keepdims=True)
  return jnp.take_along_axis(flat, place, axis=1)[..., None, None]
