"""Ordered pairs of tasks, and which of them an image has.

A pair (source, target) leads from a task that an image is not labelled for to
one that it is labelled for. Of K tasks with n labels there are n (K - n) such
pairs, at most floor(K^2 / 4).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.core.types import Labels
from jtr_jax.tasks.base import Task


class Slots(NamedTuple):
  """The pairs of every image, in P = floor(K^2 / 4) slots.

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
  """Raise unless there are two tasks.

  Raises:
    ValueError: with fewer tasks there is no pair.
  """
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


def stack_presence(tasks: Sequence[Task], labels: Labels) -> jax.Array:
  """Return bool[B, K]: the image is labelled for the task."""
  return jnp.stack([labels[task.name].present for task in tasks], axis=-1)


def real_pairs(present: jax.Array) -> jax.Array:
  """Return bool[B, K (K - 1)]: source unlabelled and target labelled.

  Args:
    present: bool[B, K].
  """
  source, target = ordered_pairs(present.shape[-1]).T
  return ~present[:, source] & present[:, target]


def fill_slots(present: jax.Array) -> Slots:
  """Return the pairs that an image has, in order, ahead of empty slots.

  Args:
    present: bool[B, K].
  """
  count = present.shape[-1]
  real = real_pairs(present)
  rank = jnp.cumsum(real, axis=-1) - 1
  slot = jnp.arange(count**2 // 4)[:, None]
  chosen = real[:, None] & (rank[:, None] == slot)
  one_hot = chosen.astype(jnp.float32)
  sides = np.eye(count, dtype=np.float32)[ordered_pairs(count)]

  def of_side(side: int) -> jax.Array:
    return jnp.sum(one_hot[..., None] * sides[:, side], axis=-2)

  return Slots(of_side(0), of_side(1), one_hot, chosen.any(axis=-1))
