"""Functions for config files that set several related fields.

All of them change the config that they are given, and return it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import registry, schema
from jtr_jax.config.balancing_presets import as_section
from jtr_jax.config.settings import (
  FurtherSource,
  ModelSettings,
  OptimizerSettings,
  SourceSettings,
)
from jtr_jax.core import errors
from jtr_jax.data.label_splits import scenarios
from jtr_jax.methods.variants import Variant

_UNLABELLED = "unlabelled"

_OF_THE_LABELS = ("normal_resize", "inverse_depth_scale")
"""What a method's variant says of the views, whatever the data."""


def use_data(config: ConfigDict, name: str) -> ConfigDict:
  """Use other data, in the directory data/<name>."""
  config.data.name = name
  config.data.directory = f"data/{name}"
  return config


def add_source(
  config: ConfigDict, source: str, per_batch: int, /, **fields: Any
) -> ConfigDict:
  """Mix further images into every batch.

  With a `directory` they are other data, with the labels found there.
  Without, they are others of the same data, and every field that is not given
  follows the section `data`.

  Args:
    config: the config.
    source: its name, in error messages and files.
    per_batch: images of it in every batch, in addition to `train.batch_size`.
    **fields: of `FurtherSource`, and `name`.

  Returns:
    The config.

  Raises:
    ValueError: an unknown field, naming the nearest.
  """
  usual = {
    "name": registry.PARTS["data"].default,
    **schema.defaults(schema.fields_of(FurtherSource)),
  }
  schema.check_names("field of a source", fields, usual)
  shared = {"name", *schema.fields_of(SourceSettings)} - {"eval_split"}
  if "directory" in fields:
    shared = {"size"}
  followed = {field: config.data.get_oneway_ref(field) for field in shared}
  own = {**usual, **followed, "per_batch": per_batch, **fields}
  config.data.sources[source] = ConfigDict(own)
  return config


def use_model(config: ConfigDict, name: str, **fields: Any) -> ConfigDict:
  """Use a network, at random; fields not given are those of its builder.

  What followed the widths of a SegNet keeps them, but for a last one that has
  to be that of the network's bottleneck.
  """
  entry = registry.find("network", name, registry.MODELS)
  start = schema.defaults(schema.fields_of(ModelSettings))
  start |= {n: value for n, value in fields.items() if n in start}
  own = {n: value for n, value in fields.items() if n not in start}
  config.model = as_section(entry.part(name, **own))
  config.model.update(start)
  if "method" in config:
    method = registry.find("method", config.method.name, registry.METHODS)
    config.method.update(_network_widths(config, method, config.method))
  return config


def use_method(
  config: ConfigDict, name: str, *, variant: str = "paper", **fields: Any
) -> ConfigDict:
  """Use a method, as a variant says or with single fields changed.

  Auto-encoders and mappings have the filters of the network, until they are
  given their own. Labels are resized as the variant does it. The optimiser gets
  the fields of the method's own groups of parameters.

  Args:
    config: the config.
    name: a key of `registry.METHODS`, or `package.module:attribute`.
    variant: "paper", or "official" for the released code.
    **fields: of the method, to change.

  Returns:
    The config.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  entry = registry.find("method", name, registry.METHODS)
  found = _variant(entry, variant)
  preset = _network_widths(config, entry)
  if "method" in config:
    before = registry.find("method", config.method.name, registry.METHODS)
    for field in before.group_fields:
      del config.optimizer[field]
  config.optimizer.update(schema.defaults(entry.group_fields))
  config.experiment.update(found.experiment)
  config.augment.update(
    {n: v for n, v in found.augment.items() if n in _OF_THE_LABELS}
  )
  part = entry.part(name, **{**preset, **found.method, **fields})
  config.method = as_section(part)
  if not fields.keys() & entry.traits.unlabelled.keys():
    _learn_from_unlabelled(config)
  return config


def use_optimizer(config: ConfigDict, name: str, **fields: Any) -> ConfigDict:
  """Use an optimiser.

  Args:
    config: the config.
    name: a key of `registry.OPTIMIZERS`, or `package.module:attribute`.
    **fields: of the optimiser, others have its defaults; or of the section
      `optimizer`, others are unchanged.

  Returns:
    The config.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  table = registry.OPTIMIZERS
  entry = registry.find("optimizer", name, table)
  before = registry.find("optimizer", config.optimizer.name, table)
  for field in before.fields:
    del config.optimizer[field]
  own = {n: value for n, value in fields.items() if n in entry.fields}
  rest = {n: value for n, value in fields.items() if n not in own}
  known = schema.fields_of(OptimizerSettings)
  schema.check_names("field of the optimiser", rest, [*entry.fields, *known])
  config.optimizer.update(as_section(entry.part(name, **own)))
  config.optimizer.update(rest)
  return config


def use_schedule(
  config: ConfigDict, method: str, *, variant: str
) -> ConfigDict:
  """Use the schedule, batch and views of a method's variant."""
  entry = registry.find("method", method, registry.METHODS)
  found = _variant(entry, variant)
  config.train.update(found.train)
  config.optimizer.update(found.optimizer)
  config.augment.update(found.augment)
  return config


def use_scenario(config: ConfigDict, scenario: str) -> ConfigDict:
  """Use a scenario; images that lose all labels become a source of their own.

  With `+unlabelled<x>` the main data are the images with a label, a source of 1
  image in every batch has those without, and a method that can learn from them
  does.

  Source: JTR, Sec. 4.4; Sec. 6.2, "Batching".
  """
  had_some = _has_unlabelled(config)
  config.data.scenario = scenario
  if _has_unlabelled(config):
    config.data.images = "labelled"
    add_source(config, _UNLABELLED, 1, images="unlabelled")
  elif had_some:
    config.data.images = "all"
    if _UNLABELLED in config.data.sources:
      del config.data.sources[_UNLABELLED]
    entry = registry.find("method", config.method.name, registry.METHODS)
    for field in entry.traits.unlabelled:
      config.method[field] = entry.fields[field].default
  _learn_from_unlabelled(config)
  return config


def use_single_tasks(config: ConfigDict, task: str = "") -> ConfigDict:
  """Train a network for each task, or only that of one task."""
  if task:
    config.tasks = (task,)
  else:
    config.experiment.kind = "stl"
  return config


def use_teachers(config: ConfigDict, *folders: str) -> ConfigDict:
  """Train a student on what single-task teachers predict (MuST).

  Args:
    config: the config of the student.
    *folders: workdirs of finished teachers; the others are trained first.

  Returns:
    The config.
  """
  config.experiment.update(kind="must", teachers=tuple(filter(None, folders)))
  return config


def _network_widths(
  config: ConfigDict,
  method: registry.Entry,
  before: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
  """Return the widths of a method's own network, which follow a SegNet's."""
  field = method.traits.filters
  if not field:
    return {}
  if "filters" in config.model:
    return {field: config.model.get_oneway_ref("filters")}
  usual = method.fields[field].default
  kept = tuple(before.get(field, usual))
  return {field: (*kept[:-1], usual[-1] and kept[-1])}


def _learn_from_unlabelled(config: ConfigDict) -> None:
  """Turn on the method's loss for unlabelled images, if it has one."""
  if _has_unlabelled(config):
    entry = registry.find("method", config.method.name, registry.METHODS)
    config.method.update(entry.traits.unlabelled)


def _has_unlabelled(config: ConfigDict) -> bool:
  """Return whether the scenario takes all labels away from some images."""
  return scenarios.parse_scenario(config.data.scenario).unlabelled > 0


def _variant(entry: registry.Entry, name: str) -> Variant:
  variants = entry.traits.variants
  if name not in variants:
    raise errors.unknown_name("variant", name, variants)
  return variants[name]
