"""What our runs of a table reached, in the units of its columns."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from jtr_jax.metrics import summary
from jtr_jax.metrics.summary import Measure
from jtr_jax.tables import costs, derive, read
from jtr_jax.tables.form import Column, Entry, Group
from jtr_jax.tables.recorded import Recorded

Numbers: TypeAlias = Mapping[str, float]


class Spread(NamedTuple):
  """A number of several runs.

  Attributes:
    mean: over the runs.
    deviation: the sample standard deviation; None of a single run.
  """

  mean: float
  deviation: float | None = None


def reached(
  entry: Entry, records: Sequence[Recorded], rule: str
) -> dict[str, Spread]:
  """Return the results of the finished runs of a row.

  Gains are relative to the mean of the baseline's runs.

  Args:
    entry: the row.
    records: of all rows.
    rule: which outcome of a result card, "last" or "best".

  Returns:
    Key of a column -> mean and deviation over seeds; what is not known is left
    out.
  """
  group, base = entry.group, read.baseline(entry)
  for record in of_row(entry, records):
    if record.measurement is not None:
      measured = costs.reached(group.columns, record.measurement)
      return {key: Spread(value) for key, value in measured.items()}
  ours = _outcomes(of_row(entry, records), rule)
  theirs = _outcomes(of_row(base, records), rule) if base else []
  against = _Baseline(
    _means([one.metrics for one in theirs]),
    _means([_values(group, one, _NONE) for one in theirs]),
  )
  rows = [_values(group, one, against) for one in ours]
  return {
    column.key: _spread(found)
    for column in group.columns
    if (found := [row[column.key] for row in rows if column.key in row])
  }


def of_row(entry: Entry, records: Iterable[Recorded]) -> list[Recorded]:
  """Return the runs of a row, by seed."""
  return [record for record in records if record.row == entry.name]


class _Outcome(NamedTuple):
  """Metrics and directions of a run, "<task>/<metric>" -> number."""

  metrics: Numbers
  directions: Mapping[str, int]


class _Baseline(NamedTuple):
  """Means over the runs of a baseline, of metrics and of columns."""

  metrics: Numbers
  values: Numbers


_NONE = _Baseline({}, {})


def _outcomes(records: Iterable[Recorded], rule: str) -> list[_Outcome]:
  """Return the outcomes of the runs that have one by this rule."""
  cards = [record.card for record in records if record.card is not None]
  return [
    _Outcome(outcome.metrics, card.directions)
    for card in cards
    if (outcome := card.outcome(rule))
  ]


def _values(
  group: Group, run: _Outcome, baseline: _Baseline
) -> dict[str, float]:
  """Return key of a column -> number of one run, as far as it is known."""
  found: dict[str, float] = {}
  for column in group.columns:
    if column.derived:
      value = derive.derive(column, group, found, baseline.values)
    elif column.gain_of:
      value = _gain(column.gain_of, run, baseline)
    else:
      value = _metric(column, run)
    if value is not None and math.isfinite(value):
      found[column.key] = value
  return found


def _gain(metric: str, run: _Outcome, baseline: _Baseline) -> float | None:
  """Return the relative gain of a metric, in percent."""
  base = baseline.metrics.get(metric, 0.0)
  if metric not in run.metrics or not base > 0:
    return None
  ours = Measure(run.metrics[metric], run.directions[metric])
  return summary.relative_gain(ours, base)


def _metric(column: Column, run: _Outcome) -> float | None:
  """Return a metric, or the mean of it over tasks, in the column's unit."""
  task, _, metric = column.metric.partition("/")
  found = [
    value
    for name, value in run.metrics.items()
    if name == column.metric or (task == "*" and name.endswith("/" + metric))
  ]
  if not found:
    return None
  return statistics.fmean(found) * (100 if column.unit == "%" else 1)


def _means(rows: Sequence[Numbers]) -> dict[str, float]:
  """Return the means of the numbers that all rows have."""
  names = set.intersection(*map(set, rows)) if rows else set()
  return {name: statistics.fmean(row[name] for row in rows) for name in names}


def _spread(found: Sequence[float]) -> Spread:
  deviation = statistics.stdev(found) if len(found) > 1 else None
  return Spread(statistics.fmean(found), deviation)
