"""A config made into a run: data, network, method, schedule, evaluation."""

import dataclasses
import functools
from pathlib import Path
from typing import NamedTuple

import jax
import optax
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jtr_jax import build, build_balancing, tracking
from jtr_jax.data import pipeline, split_file
from jtr_jax.data.feed import Feed
from jtr_jax.data.records import Dataset
from jtr_jax.data.splits import LabelSplit
from jtr_jax.methods.base import Method
from jtr_jax.metrics import delta
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.train import dispatch, evaluate, loop, snapshots
from jtr_jax.train.balancing import Balancing
from jtr_jax.train.checkpoint import Checkpoints
from jtr_jax.train.state import TrainState, init_state

DELTA = "delta_mtl"


class Evaluation(NamedTuple):
  """How a state is judged.

  Attributes:
    split: name of the split.
    feed: gives its images once.
    steps: batches of it.
    mesh: devices that share a batch.
    baseline: what gains are measured against, or None.
    snapshot: draws pictures of a state.
  """

  split: str
  feed: Feed
  steps: int
  mesh: Mesh
  baseline: delta.Baseline | None
  snapshot: snapshots.Snapshot


@dataclasses.dataclass(frozen=True)
class Experiment:
  """Everything that a config stands for.

  Attributes:
    config: the resolved config.
    dataset: the prepared data.
    tasks: in order.
    net: the network.
    method: how losses are made.
    balancing: how they become one.
    workdir: where the run's files are.
  """

  config: ConfigDict
  dataset: Dataset
  tasks: tuple[Task, ...]
  net: MultiTaskNet
  method: Method
  balancing: Balancing
  workdir: Path

  @functools.cached_property
  def label_splits(self) -> tuple[LabelSplit, LabelSplit]:
    """Labels to train with, and those set aside to measure accuracies."""
    labels = build.make_label_split(self.config, self.dataset, self.tasks)
    return tracking.set_labels_aside(self.config, self.balancing, labels)

  @property
  def labels(self) -> LabelSplit:
    """Which labels the training may see."""
    return self.label_splits[0]

  @property
  def task_names(self) -> tuple[str, ...]:
    """Names of the tasks, in order."""
    return tuple(task.name for task in self.tasks)

  @property
  def train_ids(self) -> tuple[str, ...]:
    """Sample ids of the training split."""
    return tuple(self.dataset.manifest.split(self.config.data.train_split).ids)

  @property
  def schedule(self) -> loop.Schedule:
    """When the run does what."""
    return build.make_schedule(self.config, len(self.train_ids))

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
    """The metric of the best: Delta_MTL if it is known, or the first task's."""
    if self.config.evaluate.baseline:
      return DELTA
    return f"{self.task_names[0]}/{self.tasks[0].primary_metric}"


def make_experiment(
  config: ConfigDict, workdir: Path, dataset: Dataset | None = None
) -> Experiment:
  """Return the experiment of a config, preparing its data if need be.

  Args:
    config: a validated config.
    workdir: where the run's files are.
    dataset: takes the place of that of the config.

  Raises:
    ValueError: data that is not there, or does not fit the config.
  """
  dataset = dataset or build.open_data(config)
  tasks = build.make_tasks(config, dataset.manifest)
  steps_per_epoch = _steps_per_epoch(config, dataset)
  return Experiment(
    config,
    dataset,
    tasks,
    build.make_model(config, tasks),
    build.make_method(config, tasks, steps_per_epoch),
    build_balancing.make_balancing(config, tasks, steps_per_epoch),
    workdir,
  )


def make_run(
  experiment: Experiment, evaluation: Evaluation, mesh: Mesh
) -> loop.Run:
  """Return what the loop needs.

  Args:
    experiment: the experiment.
    evaluation: how its states are judged.
    mesh: devices that share a batch.
  """
  config = experiment.config
  return loop.Run(
    net=experiment.net,
    method=experiment.method,
    optimizer=make_optimizer(experiment),
    augment=build.make_augment(config),
    feed=make_train_feed(experiment, mesh),
    sample_ids=experiment.train_ids,
    size=experiment.dataset.manifest.size,
    batch_size=config.train.batch_size,
    seed=config.seed,
    mesh=mesh,
    schedule=experiment.schedule,
    evaluate=make_judge(experiment, evaluation),
    eval_split=evaluation.split,
    balancing=experiment.balancing,
    track=tracking.make_track(
      config,
      experiment.dataset,
      experiment.net,
      experiment.balancing,
      experiment.label_splits[1],
      mesh,
    ),
  )


def make_optimizer(experiment: Experiment) -> optax.GradientTransformation:
  """Return how gradients become updates."""
  config = experiment.config
  return build.make_optimizer(
    config,
    experiment.method,
    _steps_per_epoch(config, experiment.dataset),
    experiment.balancing,
  )


def _steps_per_epoch(config: ConfigDict, dataset: Dataset) -> float:
  images = dataset.manifest.split(config.data.train_split)
  return build.steps_per_epoch(config, len(images.ids))


def abstract_state(experiment: Experiment) -> TrainState:
  """Return shapes and dtypes of the state, for the first device."""
  initialize = lambda: init_state(
    experiment.net,
    experiment.method,
    make_optimizer(experiment),
    experiment.balancing,
    size=experiment.dataset.manifest.size,
    seed=experiment.config.seed,
  )
  return jax.eval_shape(initialize)


def make_train_feed(experiment: Experiment, mesh: Mesh) -> Feed:
  """Return the feed of training batches, with hidden labels left out."""
  config = experiment.config
  split_file.save_split(experiment.workdir / "labels.tsv", experiment.labels)
  return pipeline.make_feed(
    experiment.dataset,
    config.data.train_split,
    experiment.task_names,
    experiment.labels.labelled,
    batch_size=config.train.batch_size,
    seed=config.seed,
    scenario=config.data.scenario,
    extra=experiment.balancing.needs_extra_batch,
    delivery=build.make_delivery(config, mesh),
  )


def make_evaluation(experiment: Experiment, mesh: Mesh) -> Evaluation:
  """Return how states of the experiment are judged.

  Args:
    experiment: the experiment.
    mesh: devices that hold the state and share a batch, which is made larger
      until they can.
  """
  config = experiment.config
  dataset, names = experiment.dataset, experiment.task_names
  split = config.data.eval_split
  batch = dispatch.whole_shares(config.evaluate.batch_size, mesh)
  baseline = config.evaluate.baseline
  return Evaluation(
    split=split,
    feed=pipeline.evaluation_feed(
      dataset,
      split,
      names,
      batch_size=batch,
      delivery=build.make_delivery(config, mesh),
    ),
    steps=pipeline.evaluation_steps(dataset, split, batch),
    mesh=mesh,
    baseline=delta.read_baseline(baseline) if baseline else None,
    snapshot=_make_snapshot(experiment),
  )


def make_judge(experiment: Experiment, evaluation: Evaluation) -> loop.Judge:
  """Return the function from a state to its metrics, gains and pictures."""
  net, tasks = experiment.net, experiment.tasks
  step = evaluate.make_evaluation_step(net, evaluation.feed, evaluation.mesh)

  def judge(state: TrainState) -> dict[str, float]:
    evaluation.snapshot(state)
    metrics = evaluate.evaluate(
      net, step, state, evaluation.feed, steps=evaluation.steps
    )
    return metrics | delta.delta_mtl(metrics, tasks, evaluation.baseline)

  return judge


def open_checkpoints(
  experiment: Experiment, *, read_only: bool = False
) -> Checkpoints:
  """Return the checkpoints of the experiment's workdir."""
  config, metric = experiment.config.checkpoint, experiment.selection_metric
  return Checkpoints(
    experiment.workdir / "checkpoints",
    keep_latest=config.keep_latest,
    keep_best=config.keep_best,
    metric=metric,
    higher_is_better=experiment.directions.get(metric, 1) > 0,
    read_only=read_only,
  )


def _make_snapshot(experiment: Experiment) -> snapshots.Snapshot:
  """Return what draws the first images of the evaluated split, if any."""
  config = experiment.config
  count = config.evaluate.pictures
  if not count:
    return lambda state: None
  batches = pipeline.evaluation_batches(
    experiment.dataset, config.data.eval_split, experiment.task_names, count
  )
  examples, real = next(batches)
  return snapshots.make_snapshot(
    experiment.net,
    experiment.method,
    jax.tree.map(lambda x: x[:real], examples),
    experiment.workdir / "pictures",
  )
