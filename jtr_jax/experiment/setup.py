"""Settings made into a run: data, network, method, schedule, evaluation."""

import dataclasses
import functools
from pathlib import Path
from typing import NamedTuple

import jax
import optax
from jax.sharding import Mesh

from jtr_jax.config import (
  build,
  build_balancing,
  build_optimizer,
  label_warnings,
)
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.examples import Examples
from jtr_jax.data.loading.feed import Feed
from jtr_jax.data.loading.selection import Selection
from jtr_jax.experiment import data_mixture, held_out_accuracy
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.methods.base import Method
from jtr_jax.metrics import delta
from jtr_jax.metrics.baseline import Baseline, read_baseline
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.train import (
  dispatch,
  evaluate,
  loop,
  plateau,
  prediction_pictures,
)
from jtr_jax.train.plateau import EarlyStop
from jtr_jax.train.state import TrainState, abstract_state
from jtr_jax.train.task_weighting import Balancing
from jtr_jax.workdir.checkpoints import Checkpoints, Restored, Which

DELTA = "delta_mtl"


class Evaluation(NamedTuple):
  """How a state is evaluated.

  Attributes:
    split: name of the split.
    feed: gives its images once.
    steps: batches of it.
    mesh: devices that share a batch.
    baseline: what gains are measured against, or None.
    draw: draws pictures of a state.
  """

  split: str
  feed: Feed
  steps: int
  mesh: Mesh
  baseline: Baseline | None
  draw: prediction_pictures.Draw


@dataclasses.dataclass(frozen=True)
class Experiment:
  """Everything that the settings of a run stand for.

  Attributes:
    settings: of the run.
    data: the images and labels, of one or several sources.
    tasks: in order.
    net: the network.
    method: how losses are made.
    balancing: how they become one.
    workdir: where the run's files are.
  """

  settings: Settings
  data: Mixture
  tasks: tuple[Task, ...]
  net: MultiTaskNet
  method: Method
  balancing: Balancing
  workdir: Path

  @functools.cached_property
  def shared_out(self) -> tuple[Mixture, Selection | None]:
    """What is trained on, and images to measure accuracies on, if any."""
    return held_out_accuracy.set_images_aside(
      self.settings, self.balancing, self.data
    )

  @property
  def training(self) -> Mixture:
    """What is trained on: the data without labels that are set aside."""
    return self.shared_out[0]

  @property
  def task_names(self) -> tuple[str, ...]:
    """Names of the tasks, in order."""
    return tuple(task.name for task in self.tasks)

  @property
  def schedule(self) -> loop.Schedule:
    """When the run does what."""
    return build.make_schedule(self.settings, self.data.main.size)

  @property
  def directions(self) -> dict[str, int]:
    """Direction of every metric: +1 if higher is better, else -1."""
    return {
      f"{task.name}/{metric}": direction
      for task in self.tasks
      for metric, direction in task.metrics.items()
    }

  @property
  def selection_metric(self) -> str:
    """The metric that chooses checkpoints, see `EvaluateSettings`.

    Raises:
      ValueError: the settings name one that there is not.
    """
    section = self.settings.evaluate
    if section.metric:
      known = (*self.directions, *([DELTA] if section.baseline else []))
      if section.metric not in known:
        raise errors.unknown_name(
          "config.evaluate.metric", section.metric, known
        )
      return section.metric
    if section.baseline:
      return DELTA
    primary = self.settings.balancing.primary or self.task_names[0]
    task = self.tasks[self.task_names.index(primary)]
    return f"{primary}/{task.primary_metric}"

  @property
  def selection_direction(self) -> int:
    """Direction of that metric: +1 if higher is better, else -1."""
    return self.directions.get(self.selection_metric, 1)


def make_experiment(
  settings: Settings, workdir: Path, data: Mixture | None = None
) -> Experiment:
  """Return what the settings of a run stand for, preparing data if need be.

  Args:
    settings: of the run.
    workdir: where the run's files are.
    data: takes the place of that of the settings.

  Raises:
    ValueError: data that is not there, or does not fit the settings.
  """
  data = data or data_mixture.open_sources(settings)
  tasks = build.make_tasks(
    settings.tasks, data.manifest, settings.augment.normal_resize
  )
  steps = build.steps_per_epoch(settings.train, data.main.size)
  return Experiment(
    settings,
    data,
    tasks,
    build.make_model(settings, tasks),
    build.make_method(settings, tasks, steps),
    build_balancing.make_balancing(settings, tasks, steps),
    workdir,
  )


def make_run(
  experiment: Experiment, evaluation: Evaluation, mesh: Mesh
) -> loop.Run:
  """Return what the loop needs.

  Args:
    experiment: the experiment.
    evaluation: how its states are evaluated.
    mesh: devices that share a batch.
  """
  settings = experiment.settings
  return loop.Run(
    net=experiment.net,
    method=experiment.method,
    optimizer=make_optimizer(experiment),
    augment=settings.augment,
    feed=make_train_feed(experiment, mesh),
    sample_ids=experiment.training.ids,
    size=experiment.data.manifest.size,
    batch_size=build.batch_size(settings),
    seed=settings.seed,
    mesh=mesh,
    schedule=experiment.schedule,
    evaluate=make_evaluate(experiment, evaluation),
    eval_split=evaluation.split,
    balancing=experiment.balancing,
    averaging=build_optimizer.make_averaging(settings),
    updates=_make_updates(experiment, mesh),
    early_stop=EarlyStop(
      experiment.selection_metric,
      experiment.selection_direction,
      settings.train.patience,
    ),
  )


def _make_updates(experiment: Experiment, mesh: Mesh) -> dict[str, loop.Update]:
  """Return what takes note of evaluations, by its name in the log."""
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
      sharding=dispatch.replicated(mesh),
    )
    if section.schedule == "plateau"
    else None,
  }
  return {name: update for name, update in updates.items() if update}


def make_optimizer(experiment: Experiment) -> optax.GradientTransformation:
  """Return how gradients become updates."""
  settings = experiment.settings
  steps = build.steps_per_epoch(settings.train, experiment.data.main.size)
  return build_optimizer.make_optimizer(
    settings, experiment.method, steps, experiment.balancing
  )


def restore_state(experiment: Experiment, which: Which) -> Restored:
  """Return a checkpoint of the experiment, on the first device.

  Args:
    experiment: the experiment.
    which: "best" or "latest".

  Raises:
    ValueError: there is no such checkpoint, or it is of another network.
  """
  shapes = abstract_state(
    experiment.net,
    experiment.method,
    make_optimizer(experiment),
    experiment.balancing,
    averaging=build_optimizer.make_averaging(experiment.settings),
    size=experiment.data.manifest.size,
  )
  with open_checkpoints(experiment, read_only=True) as checkpoints:
    return checkpoints.restore(which, shapes)


def make_train_feed(experiment: Experiment, mesh: Mesh) -> Feed:
  """Return the feed of training batches, with hidden labels left out."""
  settings, data = experiment.settings, experiment.training
  for source in data.sources:
    source.save_labels(experiment.workdir)
  label_warnings.warn_of_unlabelled(settings.method, data.selection.present)
  label_warnings.warn_of_idle_pairs(settings.method, data.selection.present)
  return pipeline.mixed_feed(
    data.selection,
    data.per_batch,
    seed=settings.seed,
    scenario=settings.data.scenario,
    extra=experiment.balancing.needs_extra_batch,
    delivery=build.make_delivery(settings, mesh),
  )


def make_evaluation(experiment: Experiment, mesh: Mesh) -> Evaluation:
  """Return how states of the experiment are evaluated.

  Args:
    experiment: the experiment.
    mesh: devices that hold the state and share a batch, which is made larger
      until they can.
  """
  settings, images = experiment.settings, experiment.data.evaluated
  batch = dispatch.whole_shares(settings.evaluate.batch_size, mesh)
  baseline = settings.evaluate.baseline
  return Evaluation(
    split=settings.data.eval_split,
    feed=pipeline.evaluation_feed(
      images, batch_size=batch, delivery=build.make_delivery(settings, mesh)
    ),
    steps=pipeline.evaluation_steps(images, batch),
    mesh=mesh,
    baseline=read_baseline(baseline) if baseline else None,
    draw=_make_draw(experiment),
  )


def make_evaluate(
  experiment: Experiment, evaluation: Evaluation
) -> loop.Evaluate:
  """Return the function from a state to its metrics, gains and pictures."""
  net, tasks = experiment.net, experiment.tasks
  step = evaluate.make_evaluation_step(net, evaluation.feed, evaluation.mesh)

  def run(state: TrainState) -> dict[str, float]:
    evaluation.draw(state)
    metrics = evaluate.evaluate(
      net, step, state, evaluation.feed, steps=evaluation.steps
    )
    return metrics | delta.delta_mtl(metrics, tasks, evaluation.baseline)

  return run


def open_checkpoints(
  experiment: Experiment, *, read_only: bool = False
) -> Checkpoints:
  """Return the checkpoints of the experiment's workdir."""
  section, metric = experiment.settings.checkpoint, experiment.selection_metric
  return Checkpoints(
    experiment.workdir / "checkpoints",
    keep_latest=section.keep_latest,
    keep_best=section.keep_best,
    metric=metric,
    higher_is_better=experiment.selection_direction > 0,
    read_only=read_only,
  )


def _make_draw(experiment: Experiment) -> prediction_pictures.Draw:
  """Return what draws the first evaluated and training images, if any."""
  count = experiment.settings.evaluate.pictures
  if not count:
    return lambda state: None
  return prediction_pictures.make_draw(
    experiment.net,
    experiment.method,
    experiment.workdir / "pictures",
    evaluated=_first_images(experiment.data.evaluated, count),
    trained=_first_images(experiment.training.selection, count),
  )


def _first_images(selection: Selection, count: int) -> Examples:
  """Return the first images of a selection, at most so many."""
  examples, real = next(pipeline.evaluation_batches(selection, count))
  return jax.tree.map(lambda x: x[:real], examples)
