"""Experiments of one or several runs, one after the other.

`config.stages.plan` says which: a plan trains ordinary runs in workdirs below
its own, and whatever was finished is left alone. So an interrupted experiment
goes on like a single run, when the same command is given again.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ml_collections import ConfigDict

from jtr_jax import build, config_lib, runs
from jtr_jax.train import combined_card, result_card
from jtr_jax.train.checkpoint import Which

BASELINE = "baseline.json"
BASELINE_OF_BEST = "baseline_best.json"


class Options(NamedTuple):
  """What the command says besides the config.

  Attributes:
    name: of the config, for result cards.
    allow_config_change: go on even in workdirs of another config.
  """

  name: str = ""
  allow_config_change: bool = False


Plan: TypeAlias = Callable[[ConfigDict, Path, Options], bool]


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
  for run in below or [folder]:
    runs.evaluate(run, which=which)


def single_task_configs(config: ConfigDict) -> dict[str, ConfigDict]:
  """Return the config of each task's own network.

  Args:
    config: of the experiment.

  Returns:
    Task name -> config; the labels are those that the task has in the split of
    all tasks.
  """
  names = build.task_names(config, build.open_data(config).manifest)
  return {name: _single_task_config(config, names, name) for name in names}


def _single_task_config(
  config: ConfigDict, names: tuple[str, ...], task: str
) -> ConfigDict:
  own = config.copy_and_resolve_references()
  own.stages.plan = "run"
  own.tasks = (task,)
  own.data.scenario_tasks = config.data.scenario_tasks or names
  share = config.method.get("share", "image")
  return config_lib.use_method(own, "stl", share=share)


def _train_run(config: ConfigDict, folder: Path, options: Options) -> bool:
  return runs.train(
    config,
    folder,
    name=options.name,
    allow_config_change=options.allow_config_change,
  )


def _train_single_tasks(
  config: ConfigDict, folder: Path, options: Options
) -> bool:
  """Train a network for each task, and write what Delta_MTL compares with."""
  _open(config, folder, options)
  configs = single_task_configs(config)
  for task, own in configs.items():
    own_options = options._replace(name=f"{options.name}, {task}")
    if not _finish(own, folder / task, own_options):
      return False
  cards = [result_card.read(folder / task) for task in configs]
  combined = combined_card.combine(cards, config=options.name)
  result_card.write(folder, combined)
  for file, rule in ((BASELINE, "last"), (BASELINE_OF_BEST, "best")):
    source = f"jtr_jax, {options.name}"
    combined_card.write_baseline(folder / file, combined, rule, source=source)
  return True


def _finish(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train a run unless it is finished."""
  return runs.is_finished(config, folder) or train(config, folder, options)


PLANS: Mapping[str, Plan] = {
  "run": _train_run,
  "stl": _train_single_tasks,
}


def _open(config: ConfigDict, folder: Path, options: Options) -> None:
  runs.open_workdir(
    config, folder, allow_config_change=options.allow_config_change
  )
