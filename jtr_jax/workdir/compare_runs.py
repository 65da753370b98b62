"""Finished runs side by side: those that differ in the seed alone together."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from jtr_jax.core import errors
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


def read_finished(
  folders: Sequence[Path], rule: str, *, reading: Reading, epoch: int = 0
) -> tuple[list[Run], list[str]]:
  """Return the finished runs among some workdirs, and why others are not.

  Args:
    folders: see `read_runs`.
    rule: see `read_runs`.
    reading: see `read_runs`.
    epoch: see `read_runs`.

  Raises:
    ValueError: none of them holds a finished run.
  """
  runs, reasons = [], []
  for folder in folders:
    try:
      runs.append(_read_run(folder, rule, reading, epoch))
    except ValueError as error:
      reasons.append(str(error))
  if not runs:
    raise ValueError(reasons[0])
  return runs, reasons


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
