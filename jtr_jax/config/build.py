"""From a config to the objects of a run."""

import inspect
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import optax
from absl import logging
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jtr_jax.config import registry
from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.datasets import prepare
from jtr_jax.data.label_splits import resolve
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.loading.feed import Delivery, Shardings
from jtr_jax.data.loading.stream import Reading
from jtr_jax.data.records import prepared
from jtr_jax.data.records.manifest import Manifest, TaskOptions
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.methods.base import MAIN, Method
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.train import dispatch, optimizer
from jtr_jax.train.loop import Schedule
from jtr_jax.train.task_weighting import BALANCER, PLAIN, Balancing

PREPARED = "prepared"
"""The name of data that is prepared already, whatever it is."""


def make_tasks(config: ConfigDict, manifest: Manifest) -> tuple[Task, ...]:
  """Return the tasks of a run; without `config.tasks` all that the data has.

  Args:
    config: the config.
    manifest: says of what kind the tasks are, their classes and channels.

  Returns:
    The tasks, in the order of the config.

  Raises:
    ValueError: the data does not have such a task.
  """
  names = task_names(config, manifest)
  return tuple(_make_task(name, manifest.tasks[name]) for name in names)


def task_names(config: ConfigDict, manifest: Manifest) -> tuple[str, ...]:
  """Return the names of the tasks of a run, in order; see `make_tasks`."""
  names = config.tasks or tuple(manifest.tasks)
  for name in names:
    manifest.form(name)
  return tuple(names)


def make_model(config: ConfigDict, tasks: tuple[Task, ...]) -> MultiTaskNet:
  """Return the network."""
  net: MultiTaskNet = _build("model", registry.MODELS, config, tasks)
  return net


def make_method(
  config: ConfigDict, tasks: tuple[Task, ...], steps_per_epoch: float
) -> Method:
  """Return the method; what it counts in epochs becomes updates.

  Raises:
    ValueError: single-task learning with several tasks, or a method that
      relates tasks with a single one.
  """
  method: Method = _build(
    "method", registry.METHODS, config, tasks, steps_per_epoch=steps_per_epoch
  )
  return method


def make_augment(config: ConfigDict) -> AugmentSettings:
  """Return how views are drawn."""
  return AugmentSettings(**config.augment)


def make_optimizer(
  config: ConfigDict,
  method: Method,
  steps_per_epoch: float,
  balancing: Balancing = PLAIN,
) -> optax.GradientTransformation:
  """Return the optimiser of all groups of parameters.

  Args:
    config: with learning_rate, decay_rate and decay_epochs of the main group,
      <group>_learning_rate and so on of every group that the method has
      besides, and clip_norm for all of them.
    method: says which of its parameters are in which group.
    steps_per_epoch: updates in an epoch, for the decay.
    balancing: what the loss balancer learns has Adam with a learning rate of
      its own and no decay.
  """
  section = config.optimizer
  build = registry.find("optimizer", section.name, registry.OPTIMIZERS)

  def of_group(prefix: str) -> optax.GradientTransformation:
    transformation: optax.GradientTransformation = build(
      learning_rate=section[f"{prefix}learning_rate"],
      decay_rate=section[f"{prefix}decay_rate"],
      decay_steps=max(
        1, round(section[f"{prefix}decay_epochs"] * steps_per_epoch)
      ),
    )
    return transformation

  own = registry.METHODS[config.method.name].groups
  groups = {name: of_group(f"{name}_") for name in own}
  if balancing.learns:
    groups[BALANCER] = optax.adam(config.balancing.learning_rate)
  whole = optimizer.grouped({MAIN: of_group(""), **groups}, method.groups)
  if not section.clip_norm:
    return whole
  return optax.chain(optimizer.clip_networks(section.clip_norm), whole)


def steps_per_epoch(config: ConfigDict, train_size: int) -> float:
  """Return how many updates see each of `train_size` images once."""
  return train_size / float(config.train.batch_size)


def total_steps(config: ConfigDict, train_size: int) -> int:
  """Return how many updates a run makes, whole dispatches of the device.

  Args:
    config: the config.
    train_size: images of the training split.
  """
  train = config.train
  images = train.steps * train.batch_size or train.epochs * train_size
  return _whole_dispatches(config, images)


def make_schedule(config: ConfigDict, train_size: int) -> Schedule:
  """Return when a run does what; everything in whole dispatches.

  Args:
    config: the config.
    train_size: images of the training split.
  """
  train = config.train

  def epochs(count: int) -> int:
    return _whole_dispatches(config, count * train_size)

  return Schedule(
    total=total_steps(config, train_size),
    log=_whole_dispatches(config, config.log.every_steps * train.batch_size),
    evaluate=epochs(config.evaluate.every_epochs),
    save=epochs(config.checkpoint.every_epochs),
    dispatch=train.steps_per_dispatch,
    steps_per_epoch=Fraction(train_size, train.batch_size),
  )


def batch_size(config: ConfigDict) -> int:
  """Return how many images a batch has, those of all sources."""
  sources = config.data.sources.values()
  return int(config.train.batch_size + sum(own.per_batch for own in sources))


def open_data(data: ConfigDict) -> Dataset:
  """Open a data set, preparing it first where that can be done.

  Args:
    data: the section `data`, or one of its sources.

  Returns:
    The data set.

  Raises:
    ValueError: with what to download and the command that prepares it, or the
      difference to what lies in the directory.
  """
  if data.name == PREPARED:
    return prepared.open_dataset(data.directory)
  options = {
    "raw": data.raw,
    "size": data.size if any(data.size) else None,
    "train": data.train_count,
    "val": data.val_count,
  }
  given = {name: value for name, value in options.items() if value}
  return prepare.ensure_prepared(data.name, data.directory, **given)


def make_delivery(config: ConfigDict, mesh: Mesh) -> Delivery:
  """Return how batches come to the devices of a mesh."""
  return Delivery(
    placement=config.data.placement,
    shardings=Shardings(dispatch.replicated(mesh)),
    reading=Reading(workers=config.data.workers),
  )


def make_label_split(
  data: ConfigDict, dataset: Dataset, names: tuple[str, ...]
) -> LabelSplit:
  """Return which training image shows its label for which task.

  Args:
    data: the section `data`, or one of its sources: `split_file`, or else
      `scenario`, drawn with `split_seed` for all of `scenario_tasks`.
    dataset: its sample ids.
    names: the tasks.

  Returns:
    The split, rows in the order of the data and columns in that of the tasks;
    `about["scenario"]` names it.

  Raises:
    ValueError: the file or the scenario does not fit the data.
  """
  return resolve.make_or_read(
    dataset.manifest.split(data.train_split).ids,
    names,
    scenario=data.scenario,
    scenario_tasks=data.scenario_tasks or names,
    seed=data.split_seed,
    file=data.split_file,
  )


def warn_of_unlabelled(config: ConfigDict, present: np.ndarray) -> None:
  """Warn if images have no label and the method does not learn from them.

  Args:
    config: the config.
    present: bool[N, K], which labels the run sees.
  """
  count = int((~present.any(axis=1)).sum())
  if count and config.method.get("unlabelled") == "none":
    logging.warning(
      "%d of %d images have no label. With method.unlabelled='none' they train "
      "only the auto-encoder; 'consistency' uses them (JTR, Sec. 4.4).",
      count,
      len(present),
    )


def _build(
  kind: str,
  table: Mapping[str, registry.Builder],
  config: ConfigDict,
  tasks: tuple[Task, ...],
  **known: Any,
) -> Any:
  """Return what the section `kind` describes; `known` is for who asks."""
  fields = dict(config[kind])
  builder = registry.find(kind, fields.pop("name"), table)
  known["dtype"] = registry.DTYPES[config.train.dtype]
  asked = known.keys() & inspect.signature(builder.build).parameters
  return builder.build(tasks, **fields, **{name: known[name] for name in asked})


def _make_task(name: str, options: TaskOptions) -> Task:
  fields = {
    field: tuple(value) if isinstance(value, list) else value
    for field, value in options.items()
    if field != "kind"
  }
  return registry.TASK_KINDS[options["kind"]](name, **fields)


def _whole_dispatches(config: ConfigDict, images: int) -> int:
  """Return how many updates see so many images, rounded up to dispatches."""
  dispatch = config.train.steps_per_dispatch
  return -(-images // (config.train.batch_size * dispatch)) * dispatch
