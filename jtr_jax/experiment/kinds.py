"""Experiments of one or several runs, one after the other.

`settings.experiment.kind` says which of them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.config import resolve
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts
from jtr_jax.experiment import grid_search, primary_tasks, run, stl
from jtr_jax.experiment.base import Options, Train, train_run
from jtr_jax.experiment.must import pipeline
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
  """
  hosts.require_equal("settings", resolve.to_plain(settings))
  return KINDS[settings.experiment.kind].train(settings, folder, options)


def method_of(config: Mapping[str, Any]) -> str:
  """Return the name of the method that an experiment trains.

  Args:
    config: nested, as `saved.read_plain` returns it.
  """
  kind: str = config["experiment"]["kind"]
  method: str = config["method"]["name"]
  return kind if KINDS[kind].is_method else method


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of every run of an experiment.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  for workdir in run.find_runs(folder):
    run.evaluate(workdir, which=which)
