"""A table of finished runs: means and deviations over seeds, and summaries."""

import statistics
from collections.abc import Mapping, Sequence

from jtr_jax.core import errors
from jtr_jax.metrics.summary import (
  Measure,
  acc_mtl,
  mean_gain,
  relative_gain,
)
from jtr_jax.workdir.compare_runs import Run
from jtr_jax.workdir.result_card import ResultCard


def to_markdown(
  groups: Mapping[str, Sequence[Run]],
  against: str = "",
  metrics: Sequence[str] = (),
) -> str:
  """Return the table: a row for each group, a column for each metric.

  Args:
    groups: of `group`.
    against: the group whose means Delta_MTL is measured against; "" leaves the
      column out.
    metrics: "<task>/<metric>" for the columns, Delta_MTL and Acc_MTL; (): those
      that the first run summarised, else the first one of each task, without
      Acc_MTL.

  Returns:
    Mean and, for several seeds, the sample standard deviation; the best mean of
    a column is bold.

  Raises:
    ValueError: there is no such group or metric, naming the nearest, or a mean
      of the group is not positive.
  """
  card = next(iter(groups.values()))[0].card
  chosen = metrics or card.summarised
  directions = _directions(card, chosen) if chosen else _primary_metrics(card)
  columns = {
    f"{name} {'↑' if sign > 0 else '↓'}": _column(groups, name, sign)
    for name, sign in directions.items()
  }
  if against:
    if against not in groups:
      raise errors.unknown_name("group of runs", against, groups)
    columns["Delta_MTL, % ↑"] = _deltas(groups, groups[against], directions)
  if chosen:
    columns["Acc_MTL ↑"] = _accuracies(groups, directions)
  lines = [
    f"| | seeds | {' | '.join(columns)} |",
    f"|---|---:|{'---:|' * len(columns)}",
  ]
  for name, runs in groups.items():
    cells = " | ".join(column[name] for column in columns.values())
    lines.append(f"| {name} | {len(runs)} | {cells} |")
  return "\n".join(lines) + "\n"


def _primary_metrics(card: ResultCard) -> dict[str, int]:
  """Return every task's first metric and its direction."""
  first: dict[str, tuple[str, int]] = {}
  for name, sign in card.directions.items():
    first.setdefault(name.split("/")[0], (name, sign))
  return dict(first.values())


def _directions(card: ResultCard, names: Sequence[str]) -> dict[str, int]:
  """Return the direction of every chosen metric."""
  for name in names:
    if name not in card.directions:
      raise errors.unknown_name("metric", name, card.directions)
  return {name: card.directions[name] for name in names}


def _by_task(run: Run, directions: Mapping[str, int]) -> list[list[Measure]]:
  """Return the metrics of a run, those of a task together."""
  tasks: dict[str, list[Measure]] = {}
  for name, sign in directions.items():
    own = tasks.setdefault(name.split("/")[0], [])
    own.append(Measure(run.metrics[name], sign))
  return list(tasks.values())


def _column(
  groups: Mapping[str, Sequence[Run]], metric: str, sign: int
) -> dict[str, str]:
  values = {n: [r.metrics[metric] for r in g] for n, g in groups.items()}
  return _cells(values, sign)


def _deltas(
  groups: Mapping[str, Sequence[Run]],
  baseline: Sequence[Run],
  directions: Mapping[str, int],
) -> dict[str, str]:
  means = {
    name: statistics.fmean(run.metrics[name] for run in baseline)
    for name in directions
  }
  _check_positive(means)

  def delta(run: Run) -> float:
    gains: dict[str, list[float]] = {}
    for name, sign in directions.items():
      ours = Measure(run.metrics[name], sign)
      own = gains.setdefault(name.split("/")[0], [])
      own.append(relative_gain(ours, means[name]))
    return mean_gain(gains.values())

  return _cells({n: [delta(r) for r in g] for n, g in groups.items()}, 1)


def _accuracies(
  groups: Mapping[str, Sequence[Run]], directions: Mapping[str, int]
) -> dict[str, str]:
  values = {
    name: [acc_mtl(_by_task(run, directions)) for run in runs]
    for name, runs in groups.items()
  }
  return _cells(values, 1)


def _check_positive(means: Mapping[str, float]) -> None:
  wrong = {name: mean for name, mean in means.items() if not mean > 0}
  if wrong:
    raise ValueError(
      errors.message(
        "Delta_MTL cannot be measured against these runs",
        found=", ".join(f"{name} = {mean:g}" for name, mean in wrong.items()),
        expected="positive means",
        do="Measure against others, or leave --against out.",
      )
    )


def _cells(values: Mapping[str, Sequence[float]], sign: int) -> dict[str, str]:
  """Return the text of a column."""
  means = {name: statistics.fmean(v) for name, v in values.items()}
  best = max(means, key=lambda name: sign * means[name])
  cells = {}
  for name, found in values.items():
    text = f"{round(means[name], 9) + 0.0:.4g}"
    if len(found) > 1:
      text += f" ± {statistics.stdev(found):.2g}"
    cells[name] = f"**{text}**" if name == best and len(means) > 1 else text
  return cells
