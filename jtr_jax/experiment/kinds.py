"""Experiments of one or several runs, one after the other.

`settings.experiment.kind` says which of them.
"""

from collections.abc import Mapping
from pathlib import Path

from jtr_jax.config.settings import Settings
from jtr_jax.experiment import grid_search, primary_tasks, run, stl
from jtr_jax.experiment.base import Options, Train, train_run
from jtr_jax.experiment.must import pipeline
from jtr_jax.workdir.checkpoints import Which

KINDS: Mapping[str, Train] = {
  "run": train_run,
  "stl": stl.train,
  "primaries": primary_tasks.train,
  "grid": grid_search.train,
  "must": pipeline.train,
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
  return KINDS[settings.experiment.kind](settings, folder, options)


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of every run of an experiment.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  for workdir in run.find_runs(folder):
    run.evaluate(workdir, which=which)
