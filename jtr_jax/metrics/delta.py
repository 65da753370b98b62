"""Delta_MTL and Acc_MTL of a run, over chosen metrics of its tasks."""

import math
from collections.abc import Mapping, Sequence

from jtr_jax.core import errors
from jtr_jax.metrics import summary
from jtr_jax.metrics.accumulate import Measured
from jtr_jax.metrics.baseline import Baseline

IAL = ("segmentation/miou", "depth/rmse", "normals/mean_deg")
"""The metrics of IAL's Delta_MTL on NYUv2: depth counts by its RMSE."""

AMTL = (
  "segmentation/miou",
  "depth/delta1",
  "depth/rmse",
  "normals/within_11.25",
  "normals/mean_deg",
  "normals/median_deg",
)
"""The metrics of AMTL's Delta_MTL and Acc_MTL on NYUv2."""


def choose(
  tasks: Sequence[Measured], names: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
  """Return the metrics of each task that Delta_MTL uses.

  Args:
    tasks: the tasks.
    names: "<task>/<metric>", several for a task are averaged; a task that is
      not named has its primary metric.

  Returns:
    Task name -> names of its metrics, in the order given.

  Raises:
    ValueError: an unknown task or metric, naming the nearest, or one twice.
  """
  known = {
    f"{task.name}/{metric}": task.name
    for task in tasks
    for metric in task.metrics
  }
  chosen: dict[str, tuple[str, ...]] = {task.name: () for task in tasks}
  for name in names:
    if name not in known:
      raise errors.unknown_name("metric", name, known)
    if name in chosen[known[name]]:
      raise ValueError(
        errors.message(
          "A metric is chosen twice",
          found=name,
          expected="each metric once",
          do="Name it once.",
        )
      )
    chosen[known[name]] += (name,)
  for task in tasks:
    chosen[task.name] = chosen[task.name] or (
      f"{task.name}/{task.primary_metric}",
    )
  return chosen


def delta_mtl(
  metrics: Mapping[str, float],
  tasks: Sequence[Measured],
  baseline: Baseline | None,
  names: Sequence[str] = (),
) -> dict[str, float]:
  """Return the relative gain over a baseline, of each task and on average.

  Delta = 100 / K sum_k mean_m (-1)^{l_m} (M_m - S_m) / S_m over the metrics m
  of task k, with l_m = 1 if lower is better.

  Args:
    metrics: ours, "<task>/<metric>" -> value.
    tasks: the K tasks.
    baseline: S; None: nothing is compared and nothing returned.
    names: the metrics, see `choose`; by default the primary one of each task.

  Returns:
    "<task>/gain" for each task and "delta_mtl", in percent; NaN where our
    metric is. Empty without a baseline.

  Raises:
    ValueError: an unknown metric, or the baseline lacks a metric, is not
      positive there, or is in percent where ours is a fraction.

  Source: Vandenhende et al. 2021, Eq. (8); IAL, Eq. (11). The JTR paper's mean
    relative improvement is the same; AMTL's has several metrics for a task.
  """
  if baseline is None:
    return {}
  directions = _directions(tasks)
  gains = {
    task: [_gain(metrics, name, directions[name], baseline) for name in own]
    for task, own in choose(tasks, names).items()
  }
  means = {
    f"{task}/gain": summary.mean_gain([own]) for task, own in gains.items()
  }
  return {**means, "delta_mtl": summary.mean_gain(gains.values())}


def summaries(
  metrics: Mapping[str, float],
  tasks: Sequence[Measured],
  baseline: Baseline | None,
  names: Sequence[str] = (),
) -> dict[str, float]:
  """Return what an evaluation adds to its metrics: gains, Delta and Acc_MTL.

  Args:
    metrics: "<task>/<metric>" -> value.
    tasks: the tasks.
    baseline: what gains are measured against, or None.
    names: the metrics, see `choose`; () leaves Acc_MTL out.

  Returns:
    What `delta_mtl` returns, and "acc_mtl" if metrics were chosen.

  Raises:
    ValueError: see `delta_mtl`.
  """
  found = delta_mtl(metrics, tasks, baseline, names)
  return found | ({"acc_mtl": acc_mtl(metrics, tasks, names)} if names else {})


def check_baseline(
  baseline: Baseline, tasks: Sequence[Measured], names: Sequence[str] = ()
) -> None:
  """Raise a `ValueError` unless `delta_mtl` can measure against a baseline.

  Args:
    baseline: what is compared with.
    tasks: the tasks.
    names: the metrics, see `choose`.
  """
  for own in choose(tasks, names).values():
    for name in own:
      _checked(name, baseline)


def acc_mtl(
  metrics: Mapping[str, float],
  tasks: Sequence[Measured],
  names: Sequence[str] = (),
) -> float:
  """Return Acc_MTL over chosen metrics; see `summary.acc_mtl`.

  Args:
    metrics: "<task>/<metric>" -> value, errors not negative.
    tasks: the tasks.
    names: the metrics, see `choose`; those of the paper are `AMTL`.

  Returns:
    A number that is higher if results are better; NaN where a metric is.
  """
  directions = _directions(tasks)
  return summary.acc_mtl(
    [summary.Measure(metrics[name], directions[name]) for name in own]
    for own in choose(tasks, names).values()
  )


def _directions(tasks: Sequence[Measured]) -> dict[str, int]:
  return {
    f"{task.name}/{metric}": direction
    for task in tasks
    for metric, direction in task.metrics.items()
  }


def _gain(
  metrics: Mapping[str, float], name: str, direction: int, baseline: Baseline
) -> float:
  """Return the relative gain of one metric in percent."""
  ours, theirs = metrics[name], _checked(name, baseline)
  if direction > 0 and theirs > 1 and not ours > 1:
    raise ValueError(
      errors.message(
        f"Baseline {baseline.name!r} seems to give {name} in percent",
        found=f"{theirs:g} there, {ours:g} here",
        expected="a fraction in [0, 1]",
        do="Divide the baseline's number by 100.",
      )
    )
  return summary.relative_gain(summary.Measure(ours, direction), theirs)


def _checked(name: str, baseline: Baseline) -> float:
  """Return a metric of the baseline that can be divided by."""
  if name not in baseline.metrics:
    raise ValueError(
      errors.message(
        f"Baseline {baseline.name!r} lacks a metric",
        found=", ".join(sorted(baseline.metrics)) or "none",
        expected=name,
        do="Add it to the baseline, or choose metrics that it has: "
        f"--config.evaluate.metrics=\"('{name.partition('/')[0]}/...',)\".",
      )
    )
  value = baseline.metrics[name]
  if not 0 < value < math.inf:
    raise ValueError(
      errors.message(
        f"Baseline {baseline.name!r} cannot be divided by",
        found=f"{name} = {value:g}",
        expected="a positive number",
        do="Correct the baseline's file.",
      )
    )
  return value
