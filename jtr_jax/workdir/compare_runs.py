"""Finished runs side by side: mean and deviation over seeds."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from jtr_jax.core import errors
from jtr_jax.metrics.summary import Measure, mean_gain, relative_gain
from jtr_jax.workdir import config_file, result_card
from jtr_jax.workdir.metric_files import read_rows
from jtr_jax.workdir.result_card import ResultCard

_ASIDE = (
  "seed",
  "checkpoint",
  "evaluate",
  "log",
  "experiment.teachers",
  "experiment.grid",
  "data.directory",
)
"""Fields that do not make a run another experiment."""

_LENGTH = ("train.steps", "train.epochs")
"""Nor do these where all are compared at the same epoch."""

_METRICS = "metrics.jsonl"

Config: TypeAlias = Mapping[str, Any]
"""A config, nested, as today's program writes it."""


class Reading(NamedTuple):
  """How workdirs are read.

  Attributes:
    config: workdir -> its config.
    method: config -> name of the method that was trained.
  """

  config: Callable[[Path], Config]
  method: Callable[[Config], str]


class Run(NamedTuple):
  """A finished run.

  Attributes:
    card: its result.
    method: name of the method.
    fields: dotted name -> value, what makes it this experiment.
    metrics: "<task>/<metric>" -> value, of the chosen step.
  """

  card: ResultCard
  method: str
  fields: Mapping[str, Any]
  metrics: Mapping[str, float]


def read_runs(
  folders: Sequence[Path],
  rule: str,
  *,
  reading: Reading,
  epoch: int = 0,
) -> list[Run]:
  """Return the finished runs of some workdirs.

  Args:
    folders: workdirs.
    rule: which outcome of the result card: "last" or "best".
    reading: how configs are read.
    epoch: take the evaluation after so many passes over the images in place of
      that outcome's; 0 does not.

  Raises:
    ValueError: there is no finished run in one of them, or it was not evaluated
      then.
  """
  return [_read_run(folder, rule, reading, epoch) for folder in folders]


def group(runs: Sequence[Run]) -> dict[str, list[Run]]:
  """Return runs that differ in the seed alone together, under a short name.

  The name is the method's, with the fields that distinguish the group.
  """
  groups: list[list[Run]] = []
  for run in runs:
    same = [g for g in groups if g[0].fields == run.fields]
    if same:
      same[0].append(run)
    else:
      groups.append([run])
  return {_name(g[0], [other[0] for other in groups]): g for g in groups}


def to_markdown(groups: Mapping[str, Sequence[Run]], against: str = "") -> str:
  """Return the table: a row for each group, a column for each task.

  Args:
    groups: of `group`.
    against: the group whose means Delta_MTL is measured against; "" leaves the
      column out.

  Returns:
    Mean and, for several seeds, the sample standard deviation; the best mean of
    a column is bold.

  Raises:
    ValueError: there is no such group, naming the nearest, or a mean of it is
      not positive.
  """
  directions = _primary_metrics(next(iter(groups.values()))[0].card)
  columns = {
    f"{name} {'↑' if sign > 0 else '↓'}": _column(groups, name, sign)
    for name, sign in directions.items()
  }
  if against:
    if against not in groups:
      raise errors.unknown_name("group of runs", against, groups)
    columns["Delta_MTL, % ↑"] = _deltas(groups, groups[against], directions)
  lines = [
    f"| | seeds | {' | '.join(columns)} |",
    f"|---|---:|{'---:|' * len(columns)}",
  ]
  for name, runs in groups.items():
    cells = " | ".join(column[name] for column in columns.values())
    lines.append(f"| {name} | {len(runs)} | {cells} |")
  return "\n".join(lines) + "\n"


def _read_run(folder: Path, rule: str, reading: Reading, epoch: int) -> Run:
  outcome = None
  if result_card.exists(folder):
    card = result_card.read(folder)
    outcome = card.outcome(rule)
  if outcome is None:
    raise ValueError(
      errors.message(
        "There is no finished run to compare",
        found=f"no {rule!r} outcome in {folder}/result.json",
        expected="the workdir of a run that came to its end",
        do="Repeat the training command to resume it.",
      )
    )
  config = reading.config(folder)
  aside = _ASIDE + _LENGTH if epoch else _ASIDE
  fields = {
    name: value
    for name, value in config_file.flatten(config)
    if not any(name == a or name.startswith(a + ".") for a in aside)
  }
  metrics = outcome.metrics
  if epoch:
    metrics = _metrics_at(folder, outcome.split, epoch)
  return Run(card, reading.method(config), fields, metrics)


def _metrics_at(folder: Path, split: str, epoch: int) -> dict[str, float]:
  """Return the evaluation after an epoch, of all networks of an experiment."""
  single = folder / _METRICS
  files = [single] if single.exists() else sorted(folder.glob(f"*/{_METRICS}"))
  found: dict[str, float] = {}
  for path in files:
    rows = [r for r in read_rows(path) if r["split"] == split]
    at_epoch = [r for r in rows if r["epoch"] == epoch]
    if not at_epoch:
      raise ValueError(
        errors.message(
          "A run was not evaluated after that epoch",
          found=f"epochs {[r['epoch'] for r in rows]} in {path}",
          expected=f"epoch {epoch}",
          do="Compare at an epoch that all runs have in common.",
        )
      )
    prefix = split + "/"
    found |= {
      name.removeprefix(prefix): value
      for name, value in at_epoch[-1].items()
      if name.startswith(prefix)
    }
  return found


def _name(run: Run, others: Sequence[Run]) -> str:
  """Return the method and the fields in which it differs from its like."""
  like = [other for other in others if other.method == run.method]
  telling = [
    f"{name.removeprefix('method.').removesuffix('.name')}={value}"
    for name, value in run.fields.items()
    if any(other.fields.get(name) != value for other in _alike(run, name, like))
  ]
  return " ".join([run.method, *telling])


def _alike(run: Run, field: str, others: Sequence[Run]) -> list[Run]:
  """Return the runs whose field can distinguish: of a part of the same name.

  What other parts are set to follows from their names.
  """
  part = field.rpartition(".")[0] + ".name"
  if part == field:
    return list(others)
  name = run.fields.get(part)
  return [other for other in others if other.fields.get(part) == name]


def _primary_metrics(card: ResultCard) -> dict[str, int]:
  """Return every task's first metric and its direction."""
  first: dict[str, tuple[str, int]] = {}
  for name, sign in card.directions.items():
    first.setdefault(name.split("/")[0], (name, sign))
  return dict(first.values())


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
    return mean_gain(
      [relative_gain(Measure(run.metrics[name], sign), means[name])]
      for name, sign in directions.items()
    )

  return _cells({n: [delta(r) for r in g] for n, g in groups.items()}, 1)


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
