"""One number for all tasks: Delta_MTL, Acc_MTL, and AMTL's accuracies."""

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
  """Return the relative improvement over a baseline, in percent.

  Args:
    ours: our metric.
    baseline: the same metric of the baseline, positive, in the same unit.
  """
  return 100 * ours.direction * (ours.value - baseline) / baseline


def mean_gain(gains: Iterable[Sequence[float]]) -> float:
  """Return Delta_MTL: gains averaged over a task's metrics, then over tasks.

  With one metric for each task this is the convention of Vandenhende et al.,
  IAL and JTR; with several that of LibMTL and AMTL.

  Args:
    gains: for each task the relative gains of its metrics, in percent.

  Returns:
    The mean, in percent.

  Source: Vandenhende et al. 2021, Eq. (8); IAL, Eq. (11); LibMTL.

  Example:
    >>> mean_gain([[12.0], [3.0, 5.0]])
    8.0
  """
  return _mean([_mean(of_task) for of_task in gains])


def acc_mtl(tasks: Iterable[Sequence[Measure]]) -> float:
  """Return Acc_MTL: the geometric mean over tasks of that of their metrics.

  A metric of which lower is better enters as 1 / (value + 1e-10).

  Args:
    tasks: the metrics of each task; `delta.AMTL` names those of AMTL.

  Source: Yun and Cho, ICCV 2023, supplement; the released code.
  """
  logs = [_mean([_log(measure) for measure in measures]) for measures in tasks]
  return math.exp(_mean(logs))


def accuracies(
  tasks: Iterable[Measured], metrics: Mapping[str, float]
) -> dict[str, float]:
  """Return one accuracy in [0, 1] for each task; higher is better.

  That is its first metric of which higher is better: mIoU, delta1, the fraction
  of normals within 11.25 degrees. A task with errors alone has
  1 / (1 + its first error).

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


def _log(measure: Measure) -> float:
  value = measure.value
  if measure.direction < 0:
    return -math.log(value + _EPSILON)
  return math.log(value) if value > 0 else -math.inf


def _mean(values: Sequence[float]) -> float:
  return sum(values) / len(values)
