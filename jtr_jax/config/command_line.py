"""From the words of a command line to settings."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import (
  config_files,
  layout,
  own_parts,
  presets,
  registry,
  requests,
  resolve,
  schema,
  upgrade,
)
from jtr_jax.config.balancing_presets import as_section, default_task_loss
from jtr_jax.config.layout import Layout
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors

_ARGUMENTS = ("method", "balancing.loss", "balancing.gradient")
"""Parts whose built-in names are arguments of config files, not fields."""

_FLAG = re.compile(r"--?(no)?config\.([^=]+)(?:=(.*))?", re.DOTALL)


def without_dots(words: Sequence[str]) -> list[str]:
  """Return words in which --config.A.B=X is --config_field=A.B=X.

  `--config.A.B X` is the same, `--config.A.B` and `--noconfig.A.B` alone mean
  true and false.
  """
  found, rest = [], list(words)
  while rest:
    word = rest.pop(0)
    match = _FLAG.fullmatch(word)
    if match is None:
      found.append(word)
      continue
    negated, field, value = match.groups()
    if value is None:
      has_value = not negated and rest and not rest[0].startswith("-")
      value = rest.pop(0) if has_value else str(not negated).lower()
    found.append(f"--config_field={field}={value}")
  return found


def settings_of(words: Sequence[str]) -> Settings:
  """Return the settings that a program would have with a command line.

  Args:
    words: --config=FILE:ARGUMENTS, then --config.FIELD=VALUE for any fields.

  Raises:
    ValueError: one of them cannot be used.
  """
  file, *fields = without_dots(words)
  given = [field.removeprefix("--config_field=") for field in fields]
  return settings(file.removeprefix("--config="), given)


def settings(config: str, fields: Sequence[str] = ()) -> Settings:
  """Return the settings of a config file with fields set; see `load`."""
  found = resolve.resolve(load(config, fields))
  requests.check(found, [_split(field)[0] for field in fields])
  return found


def load(config: str, fields: Sequence[str] = ()) -> ConfigDict:
  """Return the config of a config file with fields set.

  Args:
    config: path, with arguments after a colon.
    fields: "section.field=value" each; the last one for a field counts.

  Raises:
    ValueError: one of them cannot be used.
  """
  path, _, argument = config.partition(":")
  made = config_files.load(path, argument)
  given = dict(_split(field) for field in fields)
  _use_parts(made, given)
  if "data.scenario" in given:
    presets.use_scenario(made, given["data.scenario"])
  known = layout.layout_of(resolve.to_mapping(made))
  for field, text in given.items():
    _set(made, field, text, known)
  return made


def _split(field: str) -> tuple[str, str]:
  """Return the name and the text of "section.field=value"."""
  name, equals, text = field.partition("=")
  if not equals:
    raise ValueError(
      errors.message(
        "A field of the config has no value",
        found=f"--config_field={field}",
        expected="--config.SECTION.FIELD=VALUE",
        do="Write the value behind an equals sign.",
      )
    )
  new = upgrade.renamed(name)
  if new:
    raise ValueError(
      errors.message(
        f"config.{name} has another name now",
        found=f"--config.{name}={text}",
        expected=f"--config.{new}",
        do=f"Write --config.{new}={text}.",
      )
    )
  return name, text


def _set(config: ConfigDict, name: str, text: str, known: Layout) -> None:
  """Parse a text and set a field of a config."""
  place, _, last = name.rpartition(".")
  if name in known.fields:
    fields = ", ".join(f"config.{name}.{field}" for field in known.fields[name])
    raise schema.bad_value(name, text, f"one of its fields: {fields}")
  if place not in known.fields:
    sections = [section for section in known.fields if section]
    schema.check_names("section of the config", [place], sections)
  known.check_name(place, name)
  field = known.fields[place][last]
  value = schema.parse_text(name, text, field)
  schema.check(name, value, field)
  _inside(config, place)[last] = value


def _use_parts(config: ConfigDict, given: Mapping[str, str]) -> None:
  """Use the parts that fields name, with the fields that these have.

  Raises:
    ValueError: an unknown name; or another built-in method or balancer, which
      needs more than its name, such as the fields of its preset.
  """
  for place, table in layout.tables_of(config.to_dict()).items():
    name = given.get(f"{place}.name")
    if name is None or name == _inside(config, place).name:
      continue
    entry = table.find(f"config.{place}.name", name)
    if place in _ARGUMENTS and not own_parts.is_own(name):
      raise _needs_argument(place, name)
    if place == "method":
      presets.use_method(config, name)
    elif place.startswith("balancing."):
      part = entry.part(name)
      config.balancing[place.removeprefix("balancing.")] = as_section(part)
      if place == "balancing.loss":
        config.balancing.task_loss = default_task_loss(part)
    elif place == "model":
      presets.use_model(config, name)
    else:
      _exchange(_inside(config, place), name, table, entry)


def _exchange(
  section: ConfigDict, name: str, table: registry.Table, entry: registry.Entry
) -> None:
  """Replace the part of a section that also has fields of its own."""
  before = table.find("part", section.name)
  for field in before.fields:
    del section[field]
  section.name = name
  section.update(schema.defaults(entry.fields))


def _inside(config: ConfigDict, place: str) -> Any:
  """Return a section by its dotted name."""
  section: Any = config
  for part in filter(None, place.split(".")):
    section = section[part]
  return section


def _needs_argument(place: str, name: str) -> ValueError:
  """Return the error that names the required argument."""
  if place == "method":
    do = (
      f"Use the config file of this method, such as configs/rooms_{name}.py, "
      f"or write --config=configs/folder_jtr.py:method={name}."
    )
  else:
    do = f"Write --config=FILE:balancing={name}, after the file's colon."
  return ValueError(
    errors.message(
      f"config.{place}.name alone does not make a {place.partition('.')[0]}",
      found=f"--config.{place}.name={name}",
      expected="an argument of the config file, which sets all that goes with "
      "it",
      do=do,
    )
  )
