"""Runs rows of a table: each one, with each seed, is an ordinary experiment."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax

from jtr_jax.config import saved
from jtr_jax.experiment import kinds
from jtr_jax.tables import costs
from jtr_jax.tables.deadline import Deadline
from jtr_jax.tables.form import Entry
from jtr_jax.tables.recipe import AS_PUBLISHED, Recipe, Request, problem, recipe
from jtr_jax.train.step_metrics import NonFiniteError
from jtr_jax.workdir import result_card

_ERRORS = (ValueError, OSError, NonFiniteError)


class Done(NamedTuple):
  """What became of one run.

  Attributes:
    name: "<group>/<row>", and the seed.
    outcome: "trained", "measured", "was there", "cannot run", "failed" or
      "stopped" (by a signal: the same command resumes).
    detail: why, or where.
  """

  name: str
  outcome: str
  detail: str

  @property
  def is_good(self) -> bool:
    """Whether there is a result now."""
    return self.outcome in ("trained", "measured", "was there")


def run(
  entries: Iterable[Entry],
  folder: Path,
  request: Request,
  seeds: Sequence[int],
  *,
  seconds: float | None = None,
) -> Iterator[Done]:
  """Run rows of a table, and skip finished ones.

  All rows have the first seed before one has the second. A row that fails does
  not keep the others from running.

  Args:
    entries: the rows.
    folder: holds <group>/<row>/seed<k> for each run.
    request: budget, data and flags.
    seeds: of the runs; rows that are measured have none.
    seconds: after which the run under way saves and stops, and no other one
      begins; None for no limit.

  Yields:
    What became of each run, when it is over; "stopped" is the last.

  Raises:
    ValueError: what is requested does not go with a row.
  """
  able = []
  for entry in entries:
    hindrance = problem(entry, request)
    if not hindrance:
      able.append(entry)
    elif not problem(entry, AS_PUBLISHED):
      raise ValueError(hindrance)  # it comes from what was requested
    else:
      yield Done(entry.name, "cannot run", hindrance)
  with Deadline(seconds) as deadline:
    for seed, entry in itertools.product(seeds, able):
      name = f"{entry.name} seed {seed}"
      if deadline.is_over:
        yield Done(name, "stopped", "no time is left")
        return
      done = _do(recipe(entry, request, seed), entry, seed, folder)
      yield done._replace(name=name)
      if done.outcome == "stopped":
        return


def _do(how: Recipe, entry: Entry, seed: int, folder: Path) -> Done:
  """Train or measure a row; a failure is a result as well."""
  place = folder / entry.name
  try:
    if entry.table.kind == "cost":
      return _measure(how, entry, place)
    return _train(how, place / f"seed{seed}")
  except _ERRORS as error:
    return Done("", "failed", str(error).replace("\n", " "))
  finally:
    jax.clear_caches()  # the next run is another program


def _train(how: Recipe, workdir: Path) -> Done:
  """Train to the end, unless just this was done."""
  settings = how.settings()
  if result_card.exists(workdir) and saved.holds(workdir, settings):
    return Done("", "was there", str(workdir))
  is_over = kinds.train(settings, workdir, kinds.Options(how.name))
  return Done("", "trained" if is_over else "stopped", str(workdir))


def _measure(how: Recipe, entry: Entry, folder: Path) -> Done:
  """Measure a train step, unless that was done."""
  if costs.is_measured(folder):
    return Done("", "was there", str(folder))
  if costs.is_counted(entry.group.columns):
    costs.count(how, folder)
    return Done("", "counted", str(folder))
  costs.measure(how, entry.group.images, folder)
  return Done("", "measured", str(folder))
