"""The layout of a config: which sections there are, and their fields."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from jtr_jax.config import registry, schema
from jtr_jax.config.registry import Entry
from jtr_jax.config.schema import Field
from jtr_jax.config.settings import (
  BalancingSettings,
  CheckpointSettings,
  DataSettings,
  EvaluateSettings,
  ExperimentSettings,
  FurtherSource,
  LogSettings,
  ModelSettings,
  OptimizerSettings,
  Settings,
  TrainSettings,
)
from jtr_jax.core import errors
from jtr_jax.data.augment.views import AugmentSettings

SECTIONS: Mapping[str, type] = {
  "experiment": ExperimentSettings,
  "data": DataSettings,
  "augment": AugmentSettings,
  "model": ModelSettings,
  "optimizer": OptimizerSettings,
  "balancing": BalancingSettings,
  "train": TrainSettings,
  "evaluate": EvaluateSettings,
  "log": LogSettings,
  "checkpoint": CheckpointSettings,
}
"""The sections whose fields are those of a dataclass."""

_PARTS_ALONE = ("method",)
"""The sections that have a name and the fields of what it stands for."""

SOURCES = "data.sources"


@dataclasses.dataclass(frozen=True)
class Layout:
  """The fields that a config may have, and the values that it gives them.

  Attributes:
    config: nested sections, plain values.
    parts: dotted section -> what its field `name` stands for.
    fields: dotted section ("" for the top) -> name -> field.
  """

  config: Mapping[str, Any]
  parts: Mapping[str, Entry]
  fields: Mapping[str, Mapping[str, Field]]

  def given(self, place: str) -> dict[str, Any]:
    """Return the values that a section gives, without sections inside it."""
    prefix = place + "." if place else ""
    inner = {
      other.removeprefix(prefix).partition(".")[0]
      for other in (*self.fields, SOURCES)
      if other.startswith(prefix) and other != place
    }
    found = inside(self.config, place)
    return {name: v for name, v in found.items() if name not in inner}

  def values(self, place: str, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of some fields, defaults where none are given."""
    found = {**schema.defaults(self.fields[place]), **self.given(place)}
    return {name: found[name] for name in names}

  def check(self) -> None:
    """Raise a `ValueError` for a field that is unknown or has a bad value."""
    for place, fields in self.fields.items():
      prefix = place + "." if place else ""
      for name, value in self.given(place).items():
        self.check_name(place, prefix + name)
        schema.check(prefix + name, value, fields[name])

  def check_name(self, place: str, name: str) -> None:
    """Raise a `ValueError` unless a dotted name is a field of a section."""
    everywhere = {
      f"{section}.{field}" if section else field: section
      for section, fields in self.fields.items()
      for field in fields
    }
    known = [field for field, own in everywhere.items() if own == place]
    kind = f"field of config.{place}"
    if not place:
      kind = "section or field of the config"
      known += [section for section in self.fields if section]
    schema.check_names(kind, [name], known, everywhere)


def layout_of(config: Mapping[str, Any]) -> Layout:
  """Return the layout of a config, as the parts that it names have it.

  Args:
    config: nested sections, plain values.

  Raises:
    ValueError: an unknown or missing section, or an unknown part.
  """
  _check_sections(config)
  tables = tables_of(config)
  parts = {
    place: table.find(
      f"config.{place}.name",
      str(inside(config, place).get("name", table.default)),
    )
    for place, table in tables.items()
  }
  fields = {"": schema.fields_of(Settings)}
  fields |= {name: schema.fields_of(cls) for name, cls in SECTIONS.items()}
  for place, part in parts.items():
    further = place.startswith(SOURCES)
    own = schema.fields_of(FurtherSource) if further else fields.get(place, {})
    name = {"name": Field(str, tables[place].default)}
    fields[place] = {**name, **own, **part.fields}
  fields["optimizer"] |= parts["method"].group_fields
  return Layout(config, parts, fields)


def tables_of(config: Mapping[str, Any]) -> dict[str, registry.Table]:
  """Return for every section with a field `name` what that may be."""
  sources = inside(config, SOURCES)
  further = {f"{SOURCES}.{name}": registry.PARTS["data"] for name in sources}
  return {**registry.PARTS, **further}


def inside(config: Mapping[str, Any], place: str) -> Mapping[str, Any]:
  """Return a section by its dotted name, an empty one if there is none."""
  found: Any = config
  for part in filter(None, place.split(".")):
    found = found.get(part, {})
    if not isinstance(found, Mapping):
      raise schema.bad_value(place, found, "a section with fields")
  return found


def _check_sections(config: Mapping[str, Any]) -> None:
  """Raise unless a config has all sections, and no others."""
  sections = (*SECTIONS, *_PARTS_ALONE)
  known = (*sections, *schema.fields_of(Settings))
  schema.check_names("section or field of the config", config, known)
  missing = [name for name in sections if name not in config]
  if missing:
    raise ValueError(
      errors.message(
        "A section of the config is missing",
        found=f"no {', '.join(missing)}",
        expected=f"all of {', '.join(sections)}",
        do="Start from presets.base(), or restore the file.",
      )
    )
  for section in sections:
    inside(config, section)
