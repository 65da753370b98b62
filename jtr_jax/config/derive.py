"""Settings of the runs that an experiment is made of, from its own."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from jtr_jax.balancing import constant_weights
from jtr_jax.config import registry
from jtr_jax.config.settings import (
  ExperimentSettings,
  FurtherSource,
  Part,
  Settings,
  SourceSettings,
)
from jtr_jax.core import errors

MAIN_DATA = "main"
"""The name of the main data among the sources."""


def one_run(settings: Settings, **changes: Any) -> Settings:
  """Return settings of a single run, with some sections changed."""
  return dataclasses.replace(
    settings, experiment=ExperimentSettings(), **changes
  )


def with_primary(settings: Settings, task: str) -> Settings:
  """Return a run whose balancing has a primary task."""
  balancing = dataclasses.replace(settings.balancing, primary=task)
  return one_run(settings, balancing=balancing)


def with_weights(settings: Settings, weights: tuple[float, ...]) -> Settings:
  """Return a run whose tasks have weights that never change.

  Raises:
    ValueError: none of the balancers has such weights.
  """
  side, field = _grid_field(settings)
  part: Part = getattr(settings.balancing, side)
  fields = MappingProxyType({**part.fields, field: weights})
  changed: dict[str, Any] = {side: dataclasses.replace(part, fields=fields)}
  balancing = dataclasses.replace(settings.balancing, **changed)
  return one_run(settings, balancing=balancing)


def require_weights(settings: Settings) -> None:
  """Raise a `ValueError` unless `with_weights` is possible."""
  _grid_field(settings)


def single_tasks(
  settings: Settings,
  tasks: tuple[str, ...],
  known: Mapping[str, tuple[str, ...]],
) -> Settings:
  """Return an experiment of single-task networks for some of the tasks.

  Args:
    settings: of an experiment or a run with these tasks.
    tasks: that networks are wanted for.
    known: for each source of images the tasks that its labels are drawn for, so
      that every network sees the labels that all tasks together have.
  """

  def of_all(name: str, source: SourceSettings) -> SourceSettings:
    names = source.scenario_tasks or known[name]
    return dataclasses.replace(source, scenario_tasks=names)

  weighting = settings.method.fields.get("label_weighting", "image")
  experiment = dataclasses.replace(
    ExperimentSettings(),
    kind="stl",
    single_task_images=settings.experiment.single_task_images,
  )
  return dataclasses.replace(
    with_sources(settings, of_all),
    experiment=experiment,
    tasks=tasks,
    method=registry.METHODS["stl"].part("stl", label_weighting=weighting),
    optimizer=dataclasses.replace(
      settings.optimizer, groups=MappingProxyType({})
    ),
    balancing=dataclasses.replace(
      settings.balancing,
      loss=registry.PARTS["balancing.loss"].default_part,
      gradient=registry.PARTS["balancing.gradient"].default_part,
      scope="default",
      task_loss="term",
      primary="",
    ),
  )


def single_task(
  settings: Settings, task: str, sources: tuple[str, ...]
) -> Settings:
  """Return the run of one task's own network.

  Args:
    settings: of `single_tasks`.
    task: its name.
    sources: names of the sources that have a label for it; the first one is the
      run's main data, which counts the epochs.
  """
  images = settings.experiment.single_task_images

  def labelled(name: str, source: SourceSettings) -> SourceSettings:
    del name
    return dataclasses.replace(source, images=images)

  own = one_run(with_sources(settings, labelled), tasks=(task,))
  first, *others = sources
  further = own.data.sources
  if first != MAIN_DATA:
    own = _with_main(own, further[first])
  kept = MappingProxyType({name: further[name] for name in others})
  data = dataclasses.replace(own.data, sources=kept)
  metrics = tuple(m for m in own.evaluate.metrics if m.startswith(f"{task}/"))
  evaluate = dataclasses.replace(own.evaluate, metrics=metrics)
  return dataclasses.replace(own, data=data, evaluate=evaluate)


def student(settings: Settings, directories: Mapping[str, str]) -> Settings:
  """Return the run on images that teachers have labelled.

  Args:
    settings: of the experiment.
    directories: for each source the prepared data with its pseudo labels.
  """
  reader = registry.READERS[registry.PREPARED].part(registry.PREPARED)

  def labelled(name: str, source: SourceSettings) -> SourceSettings:
    further = isinstance(source, FurtherSource)
    tasks: dict[str, Any] = {"tasks": ()} if further else {}
    return dataclasses.replace(
      source,
      reader=reader,
      directory=directories[name],
      scenario="found",
      split_file="",
      images="all",
      vocabulary="",
      **tasks,
    )

  return one_run(with_sources(settings, labelled))


def with_sources(
  settings: Settings, change: Callable[[str, SourceSettings], Any]
) -> Settings:
  """Return settings whose sources are changed, the main data among them."""
  further = {n: change(n, own) for n, own in settings.data.sources.items()}
  data = dataclasses.replace(
    change(MAIN_DATA, settings.data), sources=MappingProxyType(further)
  )
  return dataclasses.replace(settings, data=data)


def _with_main(settings: Settings, source: FurtherSource) -> Settings:
  """Return settings in which a further source takes the main data's place."""
  fields = {
    field.name: getattr(source, field.name)
    for field in dataclasses.fields(SourceSettings)
  }
  return dataclasses.replace(
    settings,
    data=dataclasses.replace(settings.data, **fields),
    train=dataclasses.replace(settings.train, batch_size=source.per_batch),
  )


def _grid_field(settings: Settings) -> tuple[str, str]:
  """Return which balancer has weights that never change, and their field."""
  balancing = settings.balancing
  for side in ("gradient", "loss"):
    part: Part = getattr(balancing, side)
    field = constant_weights.setting_of(part.build, part.fields)
    if field:
      return side, field
  raise ValueError(
    errors.message(
      "There are no weights to search",
      found=f"balancing.loss.name={balancing.loss.name!r}, "
      f"balancing.gradient.name={balancing.gradient.name!r}",
      expected="a loss balancer 'fixed', or a gradient balancer whose "
      "indicator is 'fixed'",
      do="Write for example balancing=fixed, or balancing=ial with "
      "--config.balancing.gradient.indicator=fixed.",
    )
  )
