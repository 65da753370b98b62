"""One run of one network: train it in a workdir, evaluate what is there."""

from pathlib import Path

import jax

from jtr_jax.config import build, saved
from jtr_jax.config.settings import Settings
from jtr_jax.experiment import data_mixture, results, setup
from jtr_jax.train import loop
from jtr_jax.train.dispatch import make_mesh, replicated
from jtr_jax.workdir import result_card
from jtr_jax.workdir.checkpoints import Which


def train(
  settings: Settings,
  folder: Path,
  *,
  name: str = "",
  allow_config_change: bool = False,
) -> bool:
  """Train to the end and write the result card.

  Args:
    settings: of one run.
    folder: the workdir; a run that is there resumes.
    name: of the config, for the card.
    allow_config_change: continue even if the workdir has other settings.

  Returns:
    False if a signal stopped the run: the same call resumes it.
  """
  saved.check(folder, settings, allow_config_change=allow_config_change)
  made = setup.make_experiment(settings, folder)
  saved.write(folder, settings)
  mesh = make_mesh(build.batch_size(settings))
  evaluation = setup.make_evaluation(made, mesh)
  run = setup.make_run(made, evaluation, mesh)
  with setup.open_checkpoints(made) as checkpoints:
    trained = loop.train(run, checkpoints, folder)
    if not trained.finished:
      return False
    is_early = int(trained.state.step) < run.schedule.total
    waited = trained.waited if is_early else 0
    results.write_card(made, evaluation, checkpoints, name=name, waited=waited)
  return True


def find_runs(folder: Path) -> list[Path]:
  """Return the workdirs of an experiment's runs, or the folder if it is one."""
  below = sorted(path.parent for path in folder.rglob("checkpoints"))
  return below or [folder]


def is_finished(settings: Settings, folder: Path) -> bool:
  """Return whether a run of just these settings has ended here."""
  if not result_card.exists(folder) or not saved.holds(folder, settings):
    return False
  card, patience = result_card.read(folder), settings.train.patience
  if 0 < patience <= card.waited:
    return True
  images = data_mixture.open_sources(settings).main.size
  return card.outcomes[0].step == build.total_steps(settings.train, images)


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of a run, and draw its pictures.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  made = setup.make_experiment(saved.read(folder), folder)
  mesh = make_mesh(jax.device_count())  # an image for each device will do
  evaluation = setup.make_evaluation(made, mesh)
  restored = setup.restore_state(made, which)
  state = jax.device_put(restored.state, replicated(mesh))
  metrics = setup.make_evaluate(made, evaluation)(state)
  results.write_evaluation(folder, restored.step, evaluation.split, metrics)
