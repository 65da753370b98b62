"""One run of one network: train it in a workdir, evaluate what is there."""

from pathlib import Path

import jax
from ml_collections import ConfigDict

from jtr_jax.config import build, presets
from jtr_jax.experiment import results, setup
from jtr_jax.train import loop
from jtr_jax.train.dispatch import make_mesh, replicated
from jtr_jax.workdir import config_file, result_card
from jtr_jax.workdir.checkpoints import Which


def train(
  config: ConfigDict,
  folder: Path,
  *,
  name: str = "",
  allow_config_change: bool = False,
) -> bool:
  """Train to the end and write the result card.

  Args:
    config: a validated config.
    folder: the workdir; a run that is there goes on.
    name: of the config, for the card.
    allow_config_change: go on even if the workdir has another config.

  Returns:
    False if a signal stopped the run: the same call goes on from there.
  """
  check_workdir(config, folder, allow_config_change=allow_config_change)
  made = setup.make_experiment(config, folder)
  config_file.write_config(folder, config.to_dict())
  mesh = make_mesh(build.batch_size(config))
  evaluation = setup.make_evaluation(made, mesh)
  run = setup.make_run(made, evaluation, mesh)
  with setup.open_checkpoints(made) as checkpoints:
    state = loop.train(run, checkpoints, folder)
    if int(state.step) < run.schedule.total:
      return False
    results.write_card(made, evaluation, checkpoints, name=name)
  return True


def check_workdir(
  config: ConfigDict, folder: Path, *, allow_config_change: bool
) -> None:
  """Check that a run or a plan may begin, or go on, in a workdir."""
  config_file.check_workdir(
    folder,
    config.to_dict(),
    may_grow=("train.steps", "train.epochs"),
    allow_config_change=allow_config_change,
  )


def is_finished(config: ConfigDict, folder: Path) -> bool:
  """Return whether a run of just this config has come to its end here."""
  if not result_card.exists(folder):
    return False
  if not config_file.holds(folder, config.to_dict()):
    return False
  total = setup.make_experiment(config, folder).schedule.total
  return result_card.read(folder).outcomes[0].step == total


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of a run, and draw its pictures.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  config = presets.from_plain(config_file.read_config(folder))
  made = setup.make_experiment(config, folder)
  mesh = make_mesh(jax.device_count())  # an image for each device will do
  evaluation = setup.make_evaluation(made, mesh)
  with setup.open_checkpoints(made, read_only=True) as checkpoints:
    restored = checkpoints.restore(which, setup.abstract_state(made))
  state = jax.device_put(restored.state, replicated(mesh))
  metrics = setup.make_judge(made, evaluation)(state)
  results.write_evaluation(folder, restored.step, evaluation.split, metrics)
