"""Sums over a split, added up on the host without losing a pixel.

On the device an image or a batch is summed in int32 and float32; float32 stops
counting at 2**24, so these sums are added in int64 and float64.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import chex
import jax
import numpy as np

SplitTotals: TypeAlias = dict[str, dict[str, np.ndarray]]
"""Task name -> name of the sum -> int64 or float64; {} is the empty split."""


class Measured(Protocol):
  """The part of a task that metrics use; `jtr_jax.tasks.base.Task` has it."""

  @property
  def name(self) -> str:
    """Key of the task."""

  @property
  def metrics(self) -> Mapping[str, int]:
    """Metric name -> +1 if higher is better, -1 if lower."""

  @property
  def primary_metric(self) -> str:
    """The metric of the task that Delta_MTL uses."""

  def metric_values(self, totals: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the metrics of the added-up sums."""


def add(
  totals: SplitTotals, sums: Mapping[str, Mapping[str, Any]]
) -> SplitTotals:
  """Return totals plus the sums of a batch, or of another part of the split.

  Args:
    totals: what was added up so far; {} at the start.
    sums: for each task what `Task.metric_sums` returned, on the device or not,
      or other totals.

  Returns:
    New totals; the arguments are left alone.

  Raises:
    AssertionError: `totals` is not empty and has other tasks, other sums or
      sums of another shape.
  """
  wide = jax.tree.map(_widen, jax.device_get(_plain(sums)))
  if not totals:
    return wide
  chex.assert_trees_all_equal_shapes(totals, wide)
  return jax.tree.map(np.add, totals, wide)


def add_images(
  totals: SplitTotals, sums: Mapping[str, Mapping[str, Any]]
) -> SplitTotals:
  """Return totals plus the sums of every image of a batch.

  Args:
    totals: what was added up so far; {} at the start.
    sums: as for `add`, with a leading axis of images.

  Returns:
    New totals.

  Raises:
    AssertionError: the sums are not of equally many images, and see `add`.
  """
  images = jax.tree.map(_widen, jax.device_get(_plain(sums)))
  chex.assert_equal_shape_prefix(jax.tree.leaves(images), 1)
  return add(totals, jax.tree.map(lambda x: x.sum(axis=0), images))


def values(tasks: Iterable[Measured], totals: SplitTotals) -> dict[str, float]:
  """Return "task/metric" -> value for all tasks.

  Args:
    tasks: the tasks to report.
    totals: of the whole split.

  Returns:
    Fractions in [0, 1], not percent; NaN for a task without a single labelled
    pixel in the split.
  """
  return {
    f"{task.name}/{metric}": value
    for task in tasks
    for metric, value in task.metric_values(totals[task.name]).items()
  }


def _plain(sums: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
  return {task: dict(parts) for task, parts in sums.items()}


def _widen(x: np.ndarray) -> np.ndarray:
  is_count = np.issubdtype(np.asarray(x).dtype, np.integer)
  return np.asarray(x, np.int64 if is_count else np.float64)
