"""From a config, or what config.json holds, to settings; and back."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from ml_collections import ConfigDict

from jtr_jax.config import layout, schema
from jtr_jax.config.derive import MAIN_DATA
from jtr_jax.config.layout import SOURCES, Layout
from jtr_jax.config.schema import bad_value
from jtr_jax.config.settings import (
  INLINE,
  FurtherSource,
  Part,
  Settings,
  SourceSettings,
)
from jtr_jax.core import paths
from jtr_jax.data.label_splits import scenarios

_Section = TypeVar("_Section")


def resolve(config: ConfigDict | Mapping[str, Any]) -> Settings:
  """Return the settings of a config, all of them checked.

  Args:
    config: nested sections, as config files make them; a field that is left out
      has its default.

  Raises:
    ValueError: an unknown section or field, naming the nearest, a missing
      section, or a value that cannot be used.
  """
  found = layout.layout_of(to_mapping(config))
  found.check()
  settings = _construct(found)
  _check_rest(settings)
  return settings


def to_plain(settings: Settings) -> dict[str, Any]:
  """Return settings as nested values: what config.json holds."""
  plain: dict[str, Any] = _plain(settings)
  return plain


def to_mapping(config: ConfigDict | Mapping[str, Any]) -> dict[str, Any]:
  """Return nested dictionaries, references resolved and lists made tuples."""
  if isinstance(config, ConfigDict):
    config = config.copy_and_resolve_references().to_dict()

  def restored(value: Any) -> Any:
    if isinstance(value, Mapping):
      return {name: restored(item) for name, item in value.items()}
    return tuple(map(restored, value)) if isinstance(value, list) else value

  return {name: restored(value) for name, value in config.items()}


def _construct(found: Layout) -> Settings:
  """Return the settings of a config that was checked."""

  def part(place: str) -> Part:
    entry = found.parts[place]
    name = found.values(place, ["name"])["name"]
    return entry.part(name, **found.values(place, entry.fields))

  def section(place: str, cls: type[_Section], **further: Any) -> _Section:
    return cls(**found.values(place, schema.fields_of(cls)), **further)

  sources = {
    name: section(
      f"{SOURCES}.{name}", FurtherSource, reader=part(f"{SOURCES}.{name}")
    )
    for name in layout.inside(found.config, SOURCES)
  }
  groups = found.values("optimizer", found.parts["method"].group_fields)
  further: dict[str, dict[str, Any]] = {
    "data": {"reader": part("data"), "sources": MappingProxyType(sources)},
    "model": {"network": part("model")},
    "optimizer": {
      "rule": part("optimizer"),
      "groups": MappingProxyType(groups),
    },
    "balancing": {
      "loss": part("balancing.loss"),
      "gradient": part("balancing.gradient"),
    },
  }
  made: dict[str, Any] = {
    place: section(place, cls, **further.get(place, {}))
    for place, cls in layout.SECTIONS.items()
  }
  top = found.values("", schema.fields_of(Settings))
  return Settings(method=part("method"), **made, **top)


def _plain(value: Any) -> Any:
  """Return dataclasses as dictionaries."""
  if isinstance(value, Mapping):
    return {name: _plain(item) for name, item in value.items()}
  if not dataclasses.is_dataclass(value):
    return value
  found: dict[str, Any] = {}
  for field in dataclasses.fields(value):
    item = getattr(value, field.name)
    if field.metadata == INLINE:
      found |= _plain(item)
    elif field.name != "build":
      found[field.name] = _plain(item)
  return found


def _check_rest(settings: Settings) -> None:
  """Check what depends on several fields."""
  _check_once("tasks", settings.tasks)
  for teacher in settings.experiment.teachers:
    paths.check(teacher, "config.experiment.teachers")
  _check_source("data", settings.data)
  for name, source in settings.data.sources.items():
    if not name.isidentifier() or name == MAIN_DATA:
      expected = f"names of letters, digits and _, other than {MAIN_DATA}"
      raise bad_value(SOURCES, name, expected)
    _check_source(f"{SOURCES}.{name}", source)
    _check_once(f"{SOURCES}.{name}.tasks", source.tasks)


def _check_source(place: str, data: SourceSettings) -> None:
  paths.check(data.directory, f"config.{place}.directory")
  for field in ("raw", "split_file"):
    if getattr(data, field):
      paths.check(getattr(data, field), f"config.{place}.{field}")
  if any(data.size) and not all(data.size):
    expected = "height and width, or (0, 0)"
    raise bad_value(f"{place}.size", data.size, expected)
  _check_once(f"{place}.scenario_tasks", data.scenario_tasks)
  scenarios.parse_scenario(data.scenario)


def _check_once(place: str, tasks: tuple[str, ...]) -> None:
  if len(set(tasks)) < len(tasks):
    raise bad_value(place, tasks, "every task once")
