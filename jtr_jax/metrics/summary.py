"""One number for all tasks: Acc_MTL, and Delta_MTL by both conventions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from jtr_jax.metrics.accumulate import Measured

_EPSILON = 1e-10  # added to metrics that are divided by, as released


class Measure(NamedTuple):
  """A metric's value.

  Attributes:
    value: in any unit.
    direction: +1 if higher is better, -1 if lower is.
  """

  value: float
  direction: int


def relative_gain(ours: Measure, baseline: float) -> float:
  """Return by how much a metric is better than a baseline, in percent."""
  return 100 * ours.direction * (ours.value - baseline) / baseline


def mean_gain(
  tasks: Iterable[tuple[Sequence[Measure], Sequence[float]]],
) -> float:
  """Return Delta_MTL: the gain averaged over a task's metrics, then over tasks.

  With one metric for each task this is the convention of Vandenhende et al. and
  IAL; with all of them that of LibMTL and AMTL.

  Args:
    tasks: for each task its metrics and the baseline's.

  Returns:
    The mean relative gain in percent.

  Source: Vandenhende et al. 2021, Eq. (8); IAL, Eq. (11); LibMTL.
  """
  gains = [
    _mean([relative_gain(*pair) for pair in zip(ours, theirs, strict=True)])
    for ours, theirs in tasks
  ]
  return _mean(gains)


def acc_mtl(tasks: Iterable[Sequence[Measure]]) -> float:
  """Return Acc_MTL: the geometric mean over tasks of that of their metrics.

  A metric of which less is better enters as 1 / (value + 1e-10).

  Args:
    tasks: the metrics of each task; NYUv2 in AMTL: mIoU; delta1 and rmse;
      within 11.25 degrees, mean and median angle.

  Source: Yun and Cho, ICCV 2023, supplement; the released code.
  """
  logs = [_mean([_log(measure) for measure in measures]) for measures in tasks]
  return math.exp(_mean(logs))


def _log(measure: Measure) -> float:
  value = measure.value
  if measure.direction < 0:
    return -math.log(value + _EPSILON)
  return math.log(value) if value > 0 else -math.inf


def _mean(values: Sequence[float]) -> float:
  return sum(values) / len(values)


def accuracies(
  tasks: Iterable[Measured], metrics: Mapping[str, float]
) -> dict[str, float]:
  """Return one number in [0, 1] for each task, higher is better.

  The first metric of which more is better: mIoU, delta1, the share of normals
  within 11.25 degrees. A task with errors alone has 1 / (1 + its first error).

  Args:
    tasks: the tasks.
    metrics: "<task>/<metric>" -> value.

  Returns:
    Task name -> accuracy; NaN where nothing was measured.

  Source: the released code of AMTL, for the three metrics.
  """
  found = {}
  for task in tasks:
    better = [name for name, sign in task.metrics.items() if sign > 0]
    if better:
      found[task.name] = metrics[f"{task.name}/{better[0]}"]
    else:
      error = metrics[f"{task.name}/{task.primary_metric}"]
      found[task.name] = 1 / (1 + error)
  return found
