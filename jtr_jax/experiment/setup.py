"""From settings to a run: data, network, method, schedule, evaluation."""

import dataclasses
import functools
from pathlib import Path

import optax
from absl import logging
from jax.sharding import Mesh, Sharding

from jtr_jax.config import (
  build,
  build_balancing,
  build_optimizer,
  deciding_metric,
  label_warnings,
)
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.feed import Feed
from jtr_jax.data.loading.selection import (
  Selection,
  check_every_task_labelled,
)
from jtr_jax.experiment import (
  data_mixture,
  held_out_accuracy,
  source_classes,
)
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.methods.base import Method
from jtr_jax.metrics import delta
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.train import loop
from jtr_jax.train.run_parts import Schedule
from jtr_jax.train.state import abstract_state
from jtr_jax.train.task_weighting import Balancing
from jtr_jax.workdir.checkpoints import Checkpoints, Restored, Which

DELTA = deciding_metric.DELTA
ACCURACY = deciding_metric.ACCURACY


@dataclasses.dataclass(frozen=True)
class Experiment:
  """Everything that the settings of a run describe.

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
    """The training data, and images to measure accuracies on, if any."""
    return held_out_accuracy.set_images_aside(
      self.settings, self.balancing, self.data
    )

  @property
  def training(self) -> Mixture:
    """The training data, without the labels that are set aside."""
    return self.shared_out[0]

  def check_labels(self) -> None:
    """Raise a `ValueError` if there is nothing to train on or to evaluate."""
    scenario = self.settings.data.scenario
    check_every_task_labelled(self.training.selection, scenario)
    for source in self.data.sources:
      label_warnings.warn_of_missing_labels(
        source.settings.split_file,
        source.labels,
        source.dataset.manifest.split(source.settings.train_split),
      )
    _warn_of_unlabelled_evaluation(self.data.evaluated)

  @property
  def task_names(self) -> tuple[str, ...]:
    """Names of the tasks, in order."""
    return tuple(task.name for task in self.tasks)

  @property
  def schedule(self) -> Schedule:
    """Steps at which the run logs, evaluates and saves."""
    return build.make_schedule(self.settings, self.data.main.size)

  @property
  def directions(self) -> dict[str, int]:
    """Direction of every metric: +1 if higher is better, else -1."""
    return deciding_metric.directions(self.tasks)

  @property
  def chosen_metrics(self) -> tuple[str, ...]:
    """What Delta_MTL and Acc_MTL are made of; () if nothing was chosen.

    Raises:
      ValueError: the settings name a metric that there is not, or one twice.
    """
    names = self.settings.evaluate.metrics
    chosen = delta.choose(self.tasks, names).values() if names else ()
    return tuple(name for own in chosen for name in own)

  @property
  def selection_metric(self) -> str:
    """The metric that chooses checkpoints, see `EvaluateSettings`.

    Raises:
      ValueError: the settings name one that there is not.
    """
    return deciding_metric.of_run(self.settings, self.tasks).name

  @property
  def selection_direction(self) -> int:
    """Direction of that metric: +1 if higher is better, else -1."""
    return deciding_metric.of_run(self.settings, self.tasks).direction


def _warn_of_unlabelled_evaluation(images: Selection) -> None:
  """Warn of tasks whose metrics will all be NaN."""
  counts = images.present.sum(axis=0).tolist()
  lacking = [n for n, c in zip(images.tasks, counts, strict=True) if not c]
  if lacking:
    logging.warning(
      "No image of split %r has a label for %s: metrics of that will be nan.",
      images.split,
      ", ".join(lacking),
    )


def make_experiment(
  settings: Settings, workdir: Path, data: Mixture | None = None
) -> Experiment:
  """Build what the settings of a run describe, preparing data if necessary.

  Args:
    settings: of the run.
    workdir: where the run's files are.
    data: in place of that of the settings.

  Raises:
    ValueError: data that is not there, or does not fit the settings.
  """
  if data is None:
    data = data_mixture.open_sources(settings)
    source_classes.check_record(workdir, data.meanings)
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


def make_optimizer(experiment: Experiment) -> optax.GradientTransformation:
  """Return how gradients become updates."""
  settings = experiment.settings
  steps = build.steps_per_epoch(settings.train, experiment.data.main.size)
  return build_optimizer.make_optimizer(
    settings, experiment.method, steps, experiment.balancing
  )


def restore_state(
  experiment: Experiment, which: Which, sharding: Sharding | None = None
) -> Restored:
  """Return a checkpoint of the experiment.

  Args:
    experiment: the experiment.
    which: "best" or "latest".
    sharding: of all arrays; None: they go to the first device of each process.

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
    sharding=sharding,
  )
  with open_checkpoints(experiment, read_only=True) as checkpoints:
    restored = checkpoints.restore(which, shapes)
  loop.require_step(restored.state, restored.step, experiment.schedule)
  return restored


def make_train_feed(experiment: Experiment, mesh: Mesh) -> Feed:
  """Return the feed of training batches, with hidden labels left out."""
  settings, data = experiment.settings, experiment.training
  for source in data.trained if hosts.is_primary() else ():
    source.save_labels(experiment.workdir)
  source_classes.write_record(experiment.workdir, data.meanings)
  label_warnings.warn(settings.method, data.selection.present)
  return pipeline.mixed_feed(
    data.selection,
    data.per_batch,
    seed=settings.seed,
    scenario=settings.data.scenario,
    extra=experiment.balancing.needs_extra_batch,
    delivery=build.make_delivery(settings, mesh),
  )


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
