"""Numbers of a table that follow from others: Delta, Acc_MTL and sums."""

import math
from collections.abc import Iterable, Mapping

from jtr_jax.metrics import summary
from jtr_jax.metrics.summary import Measure
from jtr_jax.tables.form import Column, Group

Values = Mapping[str, float]
"""Key of a column -> its number, in the column's unit."""


def derive(
  column: Column, group: Group, values: Values, baseline: Values | None
) -> float | None:
  """Return a derived number of a row.

  "delta" is the mean relative gain over a baseline, first over the metrics of a
  task, then over tasks; "acc" is Acc_MTL.

  Args:
    column: a derived one.
    group: of the row.
    values: of the row.
    baseline: of the baseline's row, if there is one.

  Returns:
    The number; None if one that it needs is not known.
  """
  needed = sources(column, group)
  known = [c for c in needed if math.isfinite(values.get(c.key, math.nan))]
  if not needed or len(known) < len(needed):
    return None
  if column.derived == "acc":
    return summary.acc_mtl(
      [_measure(c, values) for c in task] for task in _by_task(needed)
    )
  if column.derived == "delta":
    return _delta(needed, values, baseline)
  return sum(values[c.key] for c in needed)


def sources(column: Column, group: Group) -> list[Column]:
  """Return the columns that a derived one is computed from."""
  if column.over:
    return [c for c in group.columns if c.key in column.over]
  return [
    c
    for c in group.columns
    if not c.derived and (not c.cost or column.derived == "sum")
  ]


def _delta(
  needed: list[Column], values: Values, baseline: Values | None
) -> float | None:
  gains = []
  for task in _by_task(needed):
    own = []
    for column in task:
      ours = _measure(column, values)
      if column.gain_of:
        own.append(ours.value)
      elif baseline is None or not baseline.get(column.key, 0) > 0:
        return None
      else:
        own.append(summary.relative_gain(ours, baseline[column.key]))
    gains.append(own)
  return summary.mean_gain(gains)


def _measure(column: Column, values: Values) -> Measure:
  return Measure(values[column.key], column.direction)


def _by_task(columns: Iterable[Column]) -> list[list[Column]]:
  """Return the columns of each task together."""
  tasks: dict[str, list[Column]] = {}
  for column in columns:
    name = (column.metric or column.gain_of or column.key).partition("/")[0]
    tasks.setdefault(name, []).append(column)
  return list(tasks.values())
