"""Experiments of one or several runs, one after the other.

`config.stages.plan` says which plan trains them; see `jtr_jax/plans`.
"""

from collections.abc import Mapping
from pathlib import Path

from ml_collections import ConfigDict

from jtr_jax.experiment import grid_search, primary_tasks, run, stl
from jtr_jax.experiment.base import Options, Plan, train_run
from jtr_jax.experiment.must import pipeline
from jtr_jax.workdir.checkpoints import Which

PLANS: Mapping[str, Plan] = {
  "run": train_run,
  "stl": stl.train,
  "primaries": primary_tasks.train,
  "grid": grid_search.train,
  "must": pipeline.train,
}


def train(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train all runs of an experiment and write its result card.

  Args:
    config: a validated config.
    folder: the workdir; an experiment that is there goes on.
    options: what the command says.

  Returns:
    False if a signal stopped it: the same call goes on from there.
  """
  return PLANS[config.stages.plan](config, folder, options)


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of every run of an experiment.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  below = sorted(path.parent for path in folder.rglob("checkpoints"))
  for workdir in below or [folder]:
    run.evaluate(workdir, which=which)
