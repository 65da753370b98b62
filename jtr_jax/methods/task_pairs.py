"""Ordered pairs of tasks, and which of them an image has.

A pair (source, target) leads from a task that the image has no label for to one
that it has a label for: n (K - n) pairs of K tasks with n labels, at most
floor(K^2 / 4). Optionally an image with all labels has all K (K - 1) pairs.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.core.types import Labels
from jtr_jax.tasks.base import Task

FullyLabelled: TypeAlias = Literal["none", "all_pairs"]
"""Which pairs an image has that is labelled for every task."""


class Slots(NamedTuple):
  """The pairs of every image, padded to P slots.

  An empty slot is a row of zeros.

  Attributes:
    source: f32[B, P, K], one-hot.
    target: f32[B, P, K], one-hot.
    pair: f32[B, P, K (K - 1)], one-hot.
    real: bool[B, P], False for an empty slot.
  """

  source: jax.Array
  target: jax.Array
  pair: jax.Array
  real: jax.Array


def require_pairs(method: str, tasks: Sequence[Task]) -> None:
  """Raise unless there are two tasks, and all are maps of the image.

  Raises:
    ValueError: with fewer tasks there is no pair, and one label an image is no
      map that another could be computed from, pixel by pixel.
  """
  coarse = [task.name for task in tasks if task.grid]
  if coarse:
    raise ValueError(
      errors.message(
        f"{method} relates maps of pixels",
        found=f"{', '.join(coarse)} with labels for images or cells",
        expected="tasks with a label for each pixel",
        do="Leave these tasks out, or take the method 'supervised', "
        "'consistency' or 'jtr'.",
      )
    )
  if len(tasks) < 2:
    raise ValueError(
      errors.message(
        f"{method} relates pairs of tasks",
        found=tuple(task.name for task in tasks),
        expected="at least two tasks",
        do="Add a task, or take the method 'supervised'.",
      )
    )


def ordered_pairs(count: int) -> np.ndarray:
  """Return i[K (K - 1), 2]: (source, target), sources slowest.

  Source: released MTPSL model/mapfns.py, the columns of gamma and beta.
  """
  pairs = np.indices((count, count)).reshape(2, -1).T
  return pairs[pairs[:, 0] != pairs[:, 1]]


def without_empty(tasks: Sequence[Task], labels: Labels) -> Labels:
  """Return the labels, absent where no pixel of them counts.

  Args:
    tasks: the tasks.
    labels: for each task its label, [B, ...].
  """
  return {
    task.name: dataclasses.replace(
      labels[task.name],
      present=jnp.any(task.counted(labels[task.name]), axis=(-2, -1)),
    )
    for task in tasks
  }


def stack_presence(tasks: Sequence[Task], labels: Labels) -> jax.Array:
  """Return bool[B, K]: the image is labelled for the task."""
  return jnp.stack([labels[task.name].present for task in tasks], axis=-1)


def real_pairs(
  present: jax.Array, fully_labelled: FullyLabelled = "none"
) -> jax.Array:
  """Return bool[B, K (K - 1)]: the pairs that each image has.

  Args:
    present: bool[B, K], the image is labelled for the task.
    fully_labelled: the pairs of an image with all labels.

  Source: released MTPSL model/mapfns.py, with "all_pairs" for
    `--ssl-type full`.
  """
  chex.assert_rank(present, 2)
  source, target = ordered_pairs(present.shape[-1]).T
  real = ~present[:, source] & present[:, target]
  if fully_labelled == "none":
    return real
  return real | present.all(axis=-1, keepdims=True)


def source_count(
  present: jax.Array, fully_labelled: FullyLabelled = "none"
) -> jax.Array:
  """Return f32[B], the tasks that may be sources: |U_x|, or K of "all_pairs".

  Args:
    present: bool[B, K].
    fully_labelled: see `real_pairs`.
  """
  count = jnp.sum(~present, axis=-1, dtype=jnp.float32)
  if fully_labelled == "none":
    return count
  return jnp.where(present.all(axis=-1), present.shape[-1], count)


def fill_slots(
  present: jax.Array, fully_labelled: FullyLabelled = "none"
) -> Slots:
  """Return the pairs that each image has, in order, ahead of empty slots.

  Args:
    present: bool[B, K].
    fully_labelled: see `real_pairs`.

  Returns:
    P = floor(K^2 / 4) slots, or K (K - 1) with "all_pairs".
  """
  count = present.shape[-1]
  real = real_pairs(present, fully_labelled)
  slots = count**2 // 4 if fully_labelled == "none" else real.shape[-1]
  rank = jnp.cumsum(real, axis=-1) - 1
  chosen = real[:, None] & (rank[:, None] == jnp.arange(slots)[:, None])
  one_hot = chosen.astype(jnp.float32)
  sides = np.eye(count, dtype=np.float32)[ordered_pairs(count)]

  def of_side(side: int) -> jax.Array:
    return jnp.sum(one_hot[..., None] * sides[:, side], axis=-2)

  return Slots(of_side(0), of_side(1), one_hot, chosen.any(axis=-1))
