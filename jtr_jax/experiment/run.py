"""One run: train a network in a workdir, evaluate its checkpoints."""

from pathlib import Path

import jax
from jax.sharding import Mesh

from jtr_jax.config import build, build_optimizer, saved
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts, places
from jtr_jax.experiment import (
  data_identity,
  data_mixture,
  evaluation,
  held_out_accuracy,
  initial_weights,
  results,
  setup,
)
from jtr_jax.experiment.evaluation import Evaluation
from jtr_jax.experiment.setup import Experiment
from jtr_jax.models.initial_weights import NO_WEIGHTS, InitialWeights
from jtr_jax.pretrained import fit
from jtr_jax.train import loop, plateau
from jtr_jax.train.dispatch import make_mesh, replicated
from jtr_jax.train.plateau import EarlyStop
from jtr_jax.train.run_parts import Run, Update
from jtr_jax.workdir import (
  data_change,
  lost_checkpoints,
  network_file,
  result_card,
)
from jtr_jax.workdir.checkpoints import Which
from jtr_jax.workdir.network_file import NetworkFile


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
  allowed = allow_config_change
  saved.check(folder, settings, allow_config_change=allowed)
  lost_checkpoints.check(folder)
  made = setup.make_experiment(settings, folder)
  identity = data_identity.of_mixture(made.data)
  data_change.check(folder, identity, allow_config_change=allowed)
  made.check_labels()
  fitted = initial_weights.read(made)
  saved.write(folder, settings, identity)
  network_file.write(folder, _network_file(made))
  if fitted is not None:
    fit.write_report(folder, fitted)
  mesh = make_mesh(build.batch_size(settings), height=settings.train.height)
  how = evaluation.make_evaluation(made, mesh)
  run = make_run(made, how, mesh, initial_weights.given(fitted))
  hosts.wait()  # from here on by collectives, which do not wait for long
  with setup.open_checkpoints(made) as checkpoints:
    trained = loop.train(run, checkpoints, folder)
    if not trained.finished:
      return False
    is_early = int(trained.state.step) < run.schedule.total
    waited = trained.waited if is_early else 0
    if hosts.is_primary():
      results.write_card(made, how, checkpoints, name=name, waited=waited)
    hosts.wait()
  return True


def _network_file(experiment: Experiment) -> NetworkFile:
  """Return what a user of the network has to know of its data."""
  manifest = experiment.data.manifest
  tasks = {name: manifest.tasks[name] for name in experiment.task_names}
  return NetworkFile(manifest.size, manifest.fit, tasks)


def make_run(
  experiment: Experiment,
  how: Evaluation,
  mesh: Mesh,
  initial: InitialWeights = NO_WEIGHTS,
) -> Run:
  """Build the inputs of the training loop.

  Args:
    experiment: the experiment.
    how: how its states are evaluated.
    mesh: devices that share a batch.
    initial: trained weights to start from.
  """
  settings = experiment.settings
  return Run(
    net=experiment.net,
    method=experiment.method,
    optimizer=setup.make_optimizer(experiment),
    augment=settings.augment,
    feed=setup.make_train_feed(experiment, mesh),
    sample_ids=experiment.training.ids,
    size=experiment.data.manifest.size,
    batch_size=build.batch_size(settings),
    seed=settings.seed,
    mesh=mesh,
    schedule=experiment.schedule,
    evaluate=evaluation.make_evaluate(experiment, how),
    eval_split=how.split,
    balancing=experiment.balancing,
    averaging=build_optimizer.make_averaging(settings),
    updates=_make_updates(experiment, mesh),
    early_stop=EarlyStop(
      experiment.selection_metric,
      experiment.selection_direction,
      settings.train.patience,
    ),
    initial=initial,
  )


def _make_updates(experiment: Experiment, mesh: Mesh) -> dict[str, Update]:
  """Return the updates after evaluations, by their names in the log."""
  settings, section = experiment.settings, experiment.settings.optimizer
  updates = {
    "balancing": held_out_accuracy.make_update(
      settings,
      experiment.net,
      experiment.balancing,
      experiment.shared_out[1],
      mesh,
    ),
    "optimizer": plateau.make_update(
      experiment.selection_metric,
      experiment.selection_direction,
      factor=section.decay_rate,
      patience=section.patience,
      sharding=replicated(mesh),
    )
    if section.schedule == "plateau"
    else None,
    "diagnosis": evaluation.make_diagnosis(experiment),
  }
  return {name: update for name, update in updates.items() if update}


def find_runs(folder: Path) -> list[Path]:
  """Return the workdirs of an experiment's runs, or the folder if it is one."""
  below = [path.parent for path in places.below(folder, "checkpoints")]
  return below or [folder]


def is_finished(settings: Settings, folder: Path) -> bool:
  """Return whether a run of just these settings has ended here."""
  ended = result_card.exists(folder) and saved.holds(folder, settings)
  if not hosts.agree(ended):
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
  data_change.check(folder, data_identity.of_mixture(made.data))
  mesh = make_mesh(jax.device_count())  # an image for each device will do
  how = evaluation.make_evaluation(made, mesh)
  restored = setup.restore_state(made, which, sharding=replicated(mesh))
  metrics = evaluation.make_evaluate(made, how)(restored.state)
  if hosts.is_primary():
    results.write_evaluation(folder, restored.step, how.split, metrics)
