"""From settings to the objects of a run."""

import dataclasses
import inspect
from fractions import Fraction
from typing import Any

from jax.sharding import Mesh

from jtr_jax.config import registry
from jtr_jax.config.settings import (
  Part,
  Settings,
  SourceSettings,
  TrainSettings,
)
from jtr_jax.core import errors
from jtr_jax.core.fields import LARGEST_INT
from jtr_jax.data.augment.geometry import NormalResize
from jtr_jax.data.label_splits import resolve
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.loading.feed import Delivery, Shardings
from jtr_jax.data.loading.stream import Reading
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.methods.base import Method
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.normals import Normals
from jtr_jax.train import dispatch
from jtr_jax.train.run_parts import Schedule


def make_tasks(
  names: tuple[str, ...],
  manifest: Manifest,
  normal_resize: NormalResize = "renormalise",
) -> tuple[Task, ...]:
  """Return the tasks of a run.

  Args:
    names: of the settings; () for all that the data has.
    manifest: says of what kind the tasks are, their classes and channels.
    normal_resize: "official" leaves normals short that a resize shortens.

  Returns:
    The tasks, in order.

  Raises:
    ValueError: the data does not have such a task.
  """
  tasks = tuple(
    registry.make_task(name, manifest.tasks[name])
    for name in task_names(names, manifest)
  )
  if normal_resize != "official":
    return tasks
  return tuple(
    dataclasses.replace(t, unit_labels=False) if isinstance(t, Normals) else t
    for t in tasks
  )


def task_names(names: tuple[str, ...], manifest: Manifest) -> tuple[str, ...]:
  """Return the names of the tasks of a run, in order; see `make_tasks`."""
  names = names or tuple(manifest.tasks)
  for name in names:
    manifest.form(name)
  return names


def make_model(settings: Settings, tasks: tuple[Task, ...]) -> MultiTaskNet:
  """Return the network."""
  dtype = registry.DTYPES[settings.train.dtype]
  net: MultiTaskNet = make_part(
    settings.model.network, tasks, MultiTaskNet, dtype=dtype
  )
  return dataclasses.replace(net, frozen=settings.optimizer.frozen)


def make_method(
  settings: Settings, tasks: tuple[Task, ...], steps_per_epoch: float
) -> Method:
  """Return the method; what it counts in epochs becomes updates.

  Raises:
    ValueError: single-task learning with several tasks, or a method that
      relates tasks with a single one.
  """
  method: Method = make_part(
    settings.method,
    tasks,
    Method,
    dtype=registry.DTYPES[settings.train.dtype],
    steps_per_epoch=steps_per_epoch,
    bottleneck=lambda: make_model(settings, tasks).bottleneck_width,
  )
  return method


def steps_per_epoch(train: TrainSettings, train_size: int) -> float:
  """Return how many updates see each of `train_size` images once."""
  return train_size / float(train.batch_size)


def total_steps(train: TrainSettings, train_size: int) -> int:
  """Return how many updates a run makes.

  Args:
    train: how long it trains; epochs end with whole dispatches of the device.
    train_size: images of the training split.

  Raises:
    ValueError: more than a device can count.
  """
  steps = train.steps or _whole_dispatches(train, train.epochs * train_size)
  if steps > LARGEST_INT:
    raise ValueError(
      errors.message(
        "The run would have more updates than can be counted",
        found=f"{steps} updates, {train.epochs} epochs of {train_size} images",
        expected=f"at most {LARGEST_INT}",
        do="Lower train.epochs.",
      )
    )
  return steps


def make_schedule(settings: Settings, train_size: int) -> Schedule:
  """Return the steps at which a run logs, evaluates and saves.

  Args:
    settings: the settings.
    train_size: images of the training split.
  """
  train = settings.train

  def epochs(count: int) -> int:
    return _whole_dispatches(train, count * train_size)

  return Schedule(
    total=total_steps(train, train_size),
    log=_whole_dispatches(train, settings.log.every_steps * train.batch_size),
    evaluate=epochs(settings.evaluate.every_epochs),
    save=epochs(settings.checkpoint.every_epochs),
    dispatch=train.steps_per_dispatch,
    steps_per_epoch=Fraction(train_size, train.batch_size),
  )


def batch_size(settings: Settings) -> int:
  """Return how many images a batch has, those of all sources."""
  further = settings.data.sources.values()
  return settings.train.batch_size + sum(own.per_batch for own in further)


def open_data(data: SourceSettings) -> Dataset:
  """Open a data set, preparing it first where that can be done.

  Args:
    data: the main data, or one of its sources.

  Returns:
    The data set.

  Raises:
    ValueError: with what to download and the command that prepares it, or the
      difference to what lies in the directory.
  """
  reader = data.reader
  options: dict[str, Any] = {
    "raw": data.raw,
    "size": data.size if any(data.size) else None,
    "train": data.train_count,
    "val": data.val_count,
  }
  given = {name: value for name, value in options.items() if value}
  dataset: Dataset = reader.build(data.directory, **given, **reader.fields)
  return dataset


def make_delivery(settings: Settings, mesh: Mesh) -> Delivery:
  """Return how batches reach the devices of a mesh."""
  return Delivery(
    placement=settings.data.placement,
    shardings=Shardings(dispatch.replicated(mesh), dispatch.over_rows(mesh)),
    reading=Reading(workers=settings.data.workers),
  )


def make_label_split(
  data: SourceSettings, dataset: Dataset, names: tuple[str, ...]
) -> LabelSplit:
  """Return which training image shows its label for which task.

  Args:
    data: the main data, or one of its sources: `split_file`, or else
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
    cache=dataset.directory,
  )


def make_part(part: Part, subject: Any, *kinds: type, **known: Any) -> Any:
  """Build a part.

  Args:
    part: the part.
    subject: the tasks, or their number.
    *kinds: what it may make.
    **known: arguments that it gets if it has such parameters.

  Raises:
    ValueError: a user's own part makes something else.
  """
  asked = known.keys() & inspect.signature(part.build).parameters
  given = {name: known[name] for name in asked}
  made = part.build(subject, **part.fields, **given)
  if isinstance(made, kinds):
    return made
  expected = f"{kinds[0].__module__}.{kinds[0].__name__}"
  raise ValueError(
    errors.message(
      f"{part.name!r} makes something else than it is used for",
      found=f"a {type(made).__name__}",
      expected=f"a {expected}",
      do="Return one, or use it in another section of the config.",
    )
  )


def _whole_dispatches(train: TrainSettings, images: int) -> int:
  """Return how many updates see so many images, rounded up to dispatches."""
  dispatch = train.steps_per_dispatch
  return -(-images // (train.batch_size * dispatch)) * dispatch
