"""Joint tensors: the predictions or labels of all tasks, stacked on channels.

Source: Nishi et al., CVPR 2024, Eq. (4).
"""

import dataclasses
from typing import Literal, NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics, rng
from jtr_jax.core.types import Label, Labels, Predictions
from jtr_jax.tasks.base import Geometry, Relaxation, Task

Hole: TypeAlias = Literal["zero", "encoded_zero"]
LabelMask: TypeAlias = Literal["intersection", "own"]


@dataclasses.dataclass(frozen=True)
class Stacking:
  """How predictions and labels become joint tensors.

  Attributes:
    hole: the value at a pixel without ground truth: "zero", or the code of the
      value 0, which the released code has for all tasks but segmentation
      because it masks before it encodes.
    label_mask: labels are masked with the "intersection" of the valid pixels of
      all labelled tasks, like predictions, or with their "own" alone, as in the
      released code, where the two tensors then differ for no good reason.
    detach_labelled: the predictions of labelled tasks get no gradient from the
      joint tensor (released code).
    detach_target: nor does a prediction that stands in for a missing label.
  """

  hole: Hole = "zero"
  label_mask: LabelMask = "intersection"
  detach_labelled: bool = False
  detach_target: bool = False


PAPER = Stacking()
RELEASED = Stacking(hole="encoded_zero", label_mask="own", detach_labelled=True)


class JointPair(NamedTuple):
  """The two joint tensors of a view.

  Attributes:
    prediction: Y^, f32[B, H, W, J], every task's prediction.
    target: Y, the same with labels where there are any.
    mask: bool[B, H, W], the pixels that are valid in all labelled tasks.
  """

  prediction: jax.Array
  target: jax.Array
  mask: jax.Array


def require_maps(tasks: tuple[Task, ...], *, all_of_them: bool) -> None:
  """Raise where labels of images or of cells cannot be stacked.

  Args:
    tasks: the tasks.
    all_of_them: whether every task must be a map, as in the released
      reconstruction loss, which mixes codes with raw labels.

  Raises:
    ValueError: naming the tasks that are no maps.
  """
  coarse = [task.name for task in tasks if task.grid]
  if len(coarse) == len(tasks) or (coarse and all_of_them):
    raise ValueError(
      errors.message(
        "JTR stacks maps of pixels"
        + (", and so does its released reconstruction loss" * all_of_them),
        found=f"{', '.join(coarse)} with labels for images or cells",
        expected="maps" if all_of_them else "a map among the tasks",
        do="Add such a task, take reconstruction='task', or take the method "
        "'supervised' or 'consistency'.",
      )
    )


def require_single_classes(tasks: tuple[Task, ...]) -> None:
  """Raise if labels may leave several classes open.

  Raises:
    ValueError: naming the tasks; the released loss takes labels as they are.
  """
  found = [task.name for task in tasks if task.has_sets]
  if found:
    raise ValueError(
      errors.message(
        "The released reconstruction loss needs labels of single classes",
        found=f"sets of classes in {', '.join(found)}",
        expected="a single class in every label",
        do="Use method.reconstruction='task'.",
      )
    )


def common_mask(tasks: tuple[Task, ...], labels: Labels) -> jax.Array:
  """Return bool[B, H, W]: valid in every task the image is labelled for."""
  maps = [labels[task.name].valid for task in tasks if not task.grid]
  chex.assert_equal_shape(maps)
  size = _map_size(tasks, labels)
  masks = [
    spread(labels[task.name].valid, size)
    | ~labels[task.name].present[:, None, None]
    for task in tasks
  ]
  return jnp.stack(masks).all(axis=0)


def spread(cells: jax.Array, size: tuple[int, int]) -> jax.Array:
  """Return labels of cells at every pixel: a constant map, for one cell.

  Args:
    cells: [B, h, w] or [B, h, w, C]; a map of pixels is returned as it is.
    size: H and W.

  Returns:
    [B, H, W] or [B, H, W, C].
  """
  if cells.shape[1:3] == size:
    return cells
  for axis, length in zip((1, 2), size, strict=True):
    pixels = (2 * np.arange(length) + 1) * cells.shape[axis] // (2 * length)
    cells = jnp.take(cells, pixels, axis=axis)
  return cells


def _map_size(tasks: tuple[Task, ...], labels: Labels) -> tuple[int, int]:
  """Return H and W, as the labels of a task without a grid have them."""
  task = next(task for task in tasks if not task.grid)
  height, width = labels[task.name].valid.shape[1:3]
  return height, width


def encode_predictions(
  tasks: tuple[Task, ...],
  predictions: Predictions,
  mask: jax.Array,
  stacking: Stacking,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> Predictions:
  """Return every prediction in its joint encoding, with holes.

  Args:
    tasks: the tasks.
    predictions: for each task f32[B, H, W, C].
    mask: bool[B, H, W], False at a hole.
    stacking: gives the value in a hole.
    relaxation: how class scores become memberships.
    key: for the noise of the relaxation.

  Returns:
    For each task f32[B, H, W, J].
  """
  codes = {
    task.name: task.joint_prediction(
      predictions[task.name],
      relaxation=relaxation,
      key=rng.stream(key, task.name),
    )
    for task in tasks
  }
  size = (mask.shape[1], mask.shape[2])
  return {
    task.name: _punch(task, spread(codes[task.name], size), mask, stacking.hole)
    for task in tasks
  }


def prediction_tensor(
  tasks: tuple[Task, ...],
  encoded: Predictions,
  labels: Labels,
  stacking: Stacking,
) -> jax.Array:
  """Return the noisy tensor f32[B, H, W, sum J]: every task's prediction."""
  parts = []
  for task in tasks:
    part = encoded[task.name]
    if stacking.detach_labelled:
      present = labels[task.name].present[:, None, None, None]
      part = jnp.where(present, jax.lax.stop_gradient(part), part)
    parts.append(part)
  return jnp.concatenate(parts, axis=-1)


def target_tensor(
  tasks: tuple[Task, ...],
  encoded: Predictions,
  labels: Labels,
  mask: jax.Array,
  stacking: Stacking,
) -> jax.Array:
  """Return the reliable tensor: labels, and predictions where there is none.

  Where a label leaves several classes open, the prediction stands in as well;
  `encoded` is then that of `restricted` predictions.
  """
  parts = []
  size = (mask.shape[1], mask.shape[2])
  for task in tasks:
    label = labels[task.name]
    valid = spread(label.mask, size)
    own = mask if stacking.label_mask == "intersection" else valid
    part = encoded[task.name]
    if stacking.detach_target:
      part = jax.lax.stop_gradient(part)
    code = encode_label(task, label, own & valid, stacking.hole)
    shown = label.present[:, None, None]
    if task.has_sets:
      shown = shown & ~spread(task.leaves_open(label), size)
    parts.append(jnp.where(shown[..., None], code, part))
  return jnp.concatenate(parts, axis=-1)


def restricted(
  tasks: tuple[Task, ...], predictions: Predictions, labels: Labels
) -> Predictions:
  """Return the predictions without the classes that labels rule out."""
  return {
    task.name: task.restrict(predictions[task.name], labels[task.name])
    for task in tasks
  }


def compare_colourings(
  pair: JointPair, other: JointPair, labels: Labels
) -> JointPair:
  """Return the pair with the other colouring as target of unlabelled images.

  Args:
    pair: of one colour augmentation of a view.
    other: of another one.
    labels: of both.

  Source: JTR paper, Sec. 4.4.
  """
  present = jnp.stack([label.present for label in labels.values()])
  unlabelled = ~present.any(axis=0)[:, None, None, None]
  return pair._replace(target=jnp.where(unlabelled, other.target, pair.target))


def encode_label(
  task: Task, label: Label, mask: jax.Array, hole: Hole
) -> jax.Array:
  """Return the joint encoding f32[B, H, W, J] of a label, with holes.

  Args:
    task: the task.
    label: its label.
    mask: bool[B, H, W], within `label.mask`; False at a hole.
    hole: the value in a hole.
  """
  if task.grid:
    cells = task.joint_label(numerics.fill(label.value, label.mask))
    code = spread(cells, (mask.shape[1], mask.shape[2]))
  else:
    code = task.joint_label(numerics.fill(label.value, mask))
  return _punch(task, code, mask, hole)


def split_channels(
  tasks: tuple[Task, ...], joint: jax.Array
) -> dict[str, jax.Array]:
  """Return the channels f32[B, H, W, J] of each task of a joint tensor."""
  ends = [
    sum(t.joint_channels for t in tasks[: i + 1]) for i in range(len(tasks))
  ]
  parts = jnp.split(joint, ends[:-1], axis=-1)
  return {task.name: part for task, part in zip(tasks, parts, strict=True)}


def _punch(
  task: Task, code: jax.Array, mask: jax.Array, hole: Hole
) -> jax.Array:
  """Return the code with holes where the mask is False."""
  filled = numerics.fill(code, mask)
  if hole == "zero" or task.geometry is Geometry.CATEGORICAL:
    return filled
  zero = task.joint_label(jnp.zeros((1, 1, 1, task.channels), code.dtype))
  return jnp.where(mask[..., None], filled, zero)
