"""The metric that chooses the best checkpoint of a run."""

from collections.abc import Sequence
from typing import NamedTuple

from jtr_jax.config.settings import Settings
from jtr_jax.core import errors
from jtr_jax.tasks.base import Task

DELTA = "delta_mtl"
ACCURACY = "acc_mtl"


class DecidingMetric(NamedTuple):
  """What checkpoints are chosen by.

  Attributes:
    name: "<task>/<metric>", `DELTA` or `ACCURACY`.
    direction: +1 if higher is better, else -1.
  """

  name: str
  direction: int


def directions(tasks: Sequence[Task]) -> dict[str, int]:
  """Return "<task>/<metric>" -> +1 if higher is better, -1 if lower."""
  return {
    f"{task.name}/{metric}": direction
    for task in tasks
    for metric, direction in task.metrics.items()
  }


def of_run(settings: Settings, tasks: Sequence[Task]) -> DecidingMetric:
  """Return the metric that the settings ask for, see `EvaluateSettings`.

  Args:
    settings: of the run.
    tasks: of the run, in order.

  Raises:
    ValueError: the settings name a metric that there is not.
  """
  name, known = _name(settings, tasks), directions(tasks)
  return DecidingMetric(name, known.get(name, 1))


def _name(settings: Settings, tasks: Sequence[Task]) -> str:
  section = settings.evaluate
  if section.metric:
    known = [*directions(tasks)]
    known += [DELTA] if section.baseline else []
    known += [ACCURACY] if section.metrics else []
    if section.metric not in known:
      raise errors.unknown_name("config.evaluate.metric", section.metric, known)
    return section.metric
  if section.baseline:
    return DELTA
  primary = settings.balancing.primary or tasks[0].name
  own = {task.name: task for task in tasks}
  if primary not in own:
    raise errors.unknown_name("primary task", primary, own)
  return f"{primary}/{own[primary].primary_metric}"
