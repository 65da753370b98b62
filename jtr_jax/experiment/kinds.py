"""Experiments of one or several runs, one after the other.

`settings.experiment.kind` says which of them.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.config import resolve
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts, places
from jtr_jax.experiment import (
  grid_search,
  preflight,
  primary_tasks,
  run,
  stl,
)
from jtr_jax.experiment.base import Options, Train, train_run
from jtr_jax.experiment.must import pipeline
from jtr_jax.workdir import lock
from jtr_jax.workdir.checkpoints import Which


class Kind(NamedTuple):
  """A kind of experiment.

  Attributes:
    train: trains its runs.
    is_method: whether it is a method of its own, named as the kind is: the
      method of its settings is only a part of it.
  """

  train: Train
  is_method: bool = False


KINDS: Mapping[str, Kind] = {
  "run": Kind(train_run),
  "stl": Kind(stl.train),
  "primaries": Kind(primary_tasks.train),
  "grid": Kind(grid_search.train),
  "must": Kind(pipeline.train, is_method=True),
}


def train(settings: Settings, folder: Path, options: Options) -> bool:
  """Train all runs of an experiment and write its result card.

  Args:
    settings: of the experiment.
    folder: the workdir; an experiment that is there resumes.
    options: what the command says.

  Returns:
    False if a signal stopped it: the same call resumes it.

  Raises:
    ValueError: another process trains in this workdir, or the settings do not
      fit their data or what lies there.
  """
  hosts.require_equal("settings", resolve.to_plain(settings))
  preflight.check(settings)
  with lock.held(folder), _nothing_left(folder):
    return KINDS[settings.experiment.kind].train(settings, folder, options)


def method_of(config: Mapping[str, Any]) -> str:
  """Return the name of the method that an experiment trains.

  Args:
    config: nested, as `saved.read_plain` returns it.
  """
  kind: str = config["experiment"]["kind"]
  method: str = config["method"]["name"]
  return kind if KINDS[kind].is_method else method


@contextlib.contextmanager
def _nothing_left(folder: Path) -> Iterator[None]:
  """Take away again what a run leaves that cannot even begin."""
  if not hosts.is_primary() or places.is_stored(folder):
    yield
    return
  is_new = {path.name for path in folder.iterdir()} <= {lock.NAME}
  try:
    yield
  except (ValueError, OSError):
    if is_new and not _has_begun(folder):
      for path in folder.iterdir():
        if path.name != lock.NAME:
          shutil.rmtree(path) if path.is_dir() else path.unlink()
    raise


def _has_begun(folder: Path) -> bool:
  """Return whether anything was computed in a workdir."""
  rows = any(path.stat().st_size for path in folder.rglob("metrics.jsonl"))
  return rows or any(folder.rglob("checkpoints/*/manifest.json"))


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of every run of an experiment.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  for workdir in run.find_runs(folder):
    run.evaluate(workdir, which=which)
