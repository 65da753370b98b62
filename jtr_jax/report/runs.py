"""What a report knows of runs, whether they are finished or still training."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.config import saved
from jtr_jax.core import errors
from jtr_jax.experiment import kinds
from jtr_jax.workdir import compare_runs, config_file, result_card
from jtr_jax.workdir.metric_files import read_rows
from jtr_jax.workdir.result_card import ResultCard


class Series(NamedTuple):
  """One number of a run along its steps.

  Attributes:
    steps: ascending.
    values: of the same length; finite.
  """

  steps: tuple[int, ...]
  values: tuple[float, ...]


class Run(NamedTuple):
  """A run, as far as it has come.

  Attributes:
    name: short, and different from those of the others.
    folder: its workdir.
    fields: dotted name -> value, its config.
    step: the last that it has reported.
    card: its result; None while it is training.
    series: "<split>/<name>" -> numbers along the steps.
    timing: name -> numbers along the steps.
  """

  name: str
  folder: Path
  fields: dict[str, Any]
  step: int
  card: ResultCard | None
  series: dict[str, Series]
  timing: dict[str, Series]


def read(folders: Sequence[Path]) -> list[Run]:
  """Return the runs of some workdirs, those of experiments one by one.

  Args:
    folders: workdirs of runs, or of experiments of several.

  Raises:
    ValueError: there is no run in one of them.
  """
  found = [own for folder in folders for own in _below(folder)]
  found = list(dict.fromkeys(found))
  names = _short_names(found)
  return [_read(f, n) for f, n in zip(found, names, strict=True)]


def grouped(runs: Sequence[Run]) -> dict[str, list[compare_runs.Run]]:
  """Return the results of finished runs, seeds of one experiment together.

  Args:
    runs: only those count that are finished.
  """
  done = [run.folder for run in runs if run.card]
  if not done:
    return {}
  reading = compare_runs.Reading(saved.read_plain, kinds.method_of)
  return compare_runs.group(
    compare_runs.read_runs(done, "last", reading=reading)
  )


def differing_fields(runs: Sequence[Run]) -> dict[str, list[Any]]:
  """Return the fields that are not the same in all runs, with their values.

  Args:
    runs: two at least, else there are none.

  Returns:
    Dotted name -> value of each run, None where it has no such field.
  """
  names = dict.fromkeys(name for run in runs for name in run.fields)
  table = {name: [run.fields.get(name) for run in runs] for name in names}
  return {
    name: values
    for name, values in table.items()
    if any(value != values[0] for value in values)
  }


def _below(folder: Path) -> list[Path]:
  """Return the workdirs of the runs in a folder, those that have begun."""
  saved.read(folder)
  if (folder / "metrics.jsonl").exists():
    return [folder]
  found = sorted(path.parent for path in folder.rglob("metrics.jsonl"))
  if found:
    return found
  raise ValueError(
    errors.message(
      f"There is nothing to report of {folder}",
      found="no metrics.jsonl",
      expected="a run that has begun",
      do="Train there first.",
    )
  )


def _read(folder: Path, name: str) -> Run:
  rows = read_rows(folder / "metrics.jsonl")
  timing = read_rows(folder / "timing.jsonl")
  return Run(
    name,
    folder,
    dict(config_file.flatten(saved.read_plain(folder))),
    max((row["step"] for row in rows), default=0),
    result_card.read(folder) if result_card.exists(folder) else None,
    _series(rows),
    _series(timing),
  )


def _series(rows: Sequence[dict[str, Any]]) -> dict[str, Series]:
  """Return the finite numbers of rows by name."""
  found: dict[str, tuple[list[int], list[float]]] = {}
  for row in rows:
    for name, value in row.items():
      if name in ("step", "epoch", "split") or value is None:
        continue
      steps, values = found.setdefault(name, ([], []))
      steps.append(row["step"])
      values.append(float(value))
  return {n: Series(tuple(s), tuple(v)) for n, (s, v) in found.items()}


def _short_names(folders: Sequence[Path]) -> list[str]:
  """Return the ends of paths from where they differ."""
  whole = [folder.resolve() for folder in folders]
  if len(whole) == 1:
    return [whole[0].name]
  common = Path(os.path.commonpath(whole))
  return [str(path.relative_to(common)) for path in whole]
