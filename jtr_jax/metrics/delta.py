"""Delta_MTL: how much better than a named baseline, in percent."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Iterable, Mapping

from jtr_jax.core import errors
from jtr_jax.metrics import summary
from jtr_jax.metrics.accumulate import Measured

_FIELDS = ("name", "metrics", "source")


@dataclasses.dataclass(frozen=True)
class Baseline:
  """The results that others are compared with.

  Attributes:
    name: what it is, such as "Supervised MTL, onelabel, 3 seeds".
    metrics: "task/metric" -> value; shares are fractions in [0, 1].
    source: the run, paper or table that the numbers come from.
  """

  name: str
  metrics: Mapping[str, float]
  source: str


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
  """Read a baseline from a JSON file.

  Args:
    path: a file with {"name": ..., "metrics": {"depth/abs_err": 0.66, ...},
      "source": ...}.

  Returns:
    The baseline.

  Raises:
    ValueError: if the file is not of that form; it names the file.
  """
  try:
    content = json.loads(pathlib.Path(path).read_text())
  except json.JSONDecodeError as error:
    raise _unreadable(path, f"no JSON ({error})") from error
  if not isinstance(content, dict) or set(content) != set(_FIELDS):
    keys = sorted(content) if isinstance(content, dict) else type(content)
    raise _unreadable(path, f"{keys}")
  metrics = content["metrics"]
  if not isinstance(metrics, dict) or not all(
    map(_is_number, metrics.values())
  ):
    raise _unreadable(path, f"metrics = {metrics!r}")
  return Baseline(
    name=str(content["name"]),
    metrics={name: float(value) for name, value in metrics.items()},
    source=str(content["source"]),
  )


def delta_mtl(
  metrics: Mapping[str, float],
  tasks: Iterable[Measured],
  baseline: Baseline | None,
) -> dict[str, float]:
  """Return the relative gain over a baseline, of each task and on average.

  Delta = 100 / K sum_k (-1)^{l_k} (M_k - S_k) / S_k with one metric for each
  task, its first, and l_k = 1 if lower is better.

  Args:
    metrics: ours, "task/metric" -> value.
    tasks: the K tasks.
    baseline: S; None: nothing is compared and nothing returned.

  Returns:
    "<task>/gain" for each task and "delta_mtl", in percent; NaN where our
    metric is. Empty without a baseline.

  Raises:
    ValueError: if the baseline lacks a metric, is not positive there, or is in
      percent where ours is a fraction.

  Source: Vandenhende et al. 2021, Eq. (8); IAL, Eq. (11). The JTR paper's mean
    relative improvement is the same.
  """
  if baseline is None:
    return {}
  gains = {
    f"{task.name}/gain": _gain(metrics, task, baseline) for task in tasks
  }
  return {**gains, "delta_mtl": sum(gains.values()) / len(gains)}


def _gain(
  metrics: Mapping[str, float], task: Measured, baseline: Baseline
) -> float:
  """Return the relative gain of one task in percent."""
  key = f"{task.name}/{task.primary_metric}"
  direction = task.metrics[task.primary_metric]
  ours = metrics[key]
  theirs = _checked(key, baseline)
  if direction > 0 and theirs > 1 and not ours > 1:
    raise ValueError(
      errors.message(
        f"Baseline {baseline.name!r} seems to give {key} in percent",
        found=f"{theirs:g} there, {ours:g} here",
        expected="a fraction in [0, 1]",
        do="Divide the baseline's number by 100.",
      )
    )
  return summary.relative_gain(summary.Measure(ours, direction), theirs)


def _checked(key: str, baseline: Baseline) -> float:
  if key not in baseline.metrics:
    raise ValueError(
      errors.message(
        f"Baseline {baseline.name!r} lacks a metric",
        found=", ".join(sorted(baseline.metrics)) or "none",
        expected=key,
        do="Add it to the baseline's file, or compare without a baseline.",
      )
    )
  value = baseline.metrics[key]
  if not 0 < value < math.inf:
    raise ValueError(
      errors.message(
        f"Baseline {baseline.name!r} cannot be divided by",
        found=f"{key} = {value:g}",
        expected="a positive number",
        do="Correct the baseline's file.",
      )
    )
  return value


def _is_number(value: object) -> bool:
  return isinstance(value, int | float) and not isinstance(value, bool)


def _unreadable(path: str | os.PathLike[str], found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{os.fspath(path)} is not a baseline",
      found=found,
      expected="an object of name, metrics (task/metric: number) and source",
      do="Write the three fields; shares such as mIoU are fractions.",
    )
  )
