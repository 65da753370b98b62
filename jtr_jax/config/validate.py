"""Checks a config before anything is built or compiled."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin

from ml_collections import ConfigDict

from jtr_jax.config import build, defaults, registry
from jtr_jax.core import errors
from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.datasets.prepare import PREPARERS
from jtr_jax.data.label_splits import scenarios

_TABLES: Mapping[str, Mapping[str, Any]] = {
  "balancing.gradient": registry.GRADIENT_BALANCERS,
  "balancing.loss": registry.LOSS_BALANCERS,
  "model": registry.MODELS,
  "method": registry.METHODS,
  "optimizer": registry.OPTIMIZERS,
}


_SOURCES = "data.sources."


class _Rule(NamedTuple):
  """What a number, or every number of a tuple, has to be."""

  holds: Callable[[float], bool]
  expected: str


_NOT_NEGATIVE = _Rule(lambda x: x >= 0, "0 or more")
_POSITIVE = _Rule(lambda x: x > 0, "more than 0")
_RULES: Mapping[str, _Rule] = {
  **dict.fromkeys(
    (
      "seed",
      "balancing.at_once",
      "data.size",
      "data.split_seed",
      "data.train_count",
      "data.val_count",
      "data.workers",
      "method.autoencoder_dist_weight",
      "method.dist_weight",
      "method.recon_weight",
      "method.ramp_up_epochs",
      "method.regularizer_weight",
      "method.weight",
      "optimizer.clip_norm",
      "train.steps",
      "evaluate.pictures",
      "checkpoint.keep_best",
    ),
    _NOT_NEGATIVE,
  ),
  **dict.fromkeys(
    (
      "balancing.learning_rate",
      "model.filters",
      "method.autoencoder_filters",
      "method.mapping_filters",
      "optimizer.decay_epochs",
      "optimizer.film_decay_epochs",
      "optimizer.film_learning_rate",
      "optimizer.learning_rate",
      "data.per_batch",
      "train.batch_size",
      "train.epochs",
      "train.steps_per_dispatch",
      "stages.grid",
      "evaluate.batch_size",
      "evaluate.every_epochs",
      "log.every_steps",
      "checkpoint.every_epochs",
      "checkpoint.keep_latest",
    ),
    _POSITIVE,
  ),
  "stages.confidence": _Rule(lambda x: 0 <= x <= 1, "from 0 to 1"),
  **dict.fromkeys(
    ("optimizer.decay_rate", "optimizer.film_decay_rate"),
    _Rule(lambda x: 0 < x <= 1, "more than 0 and at most 1"),
  ),
  "balancing.held_out": _Rule(lambda x: 0 < x < 1, "more than 0, less than 1"),
}


def validate(config: ConfigDict) -> None:
  """Check names, types and values of every field.

  Args:
    config: as it will be run, overrides included.

  Raises:
    ValueError: an unknown field, naming the nearest, a missing one, one of
      another type, or a value that cannot be meant.
  """
  _check_names("section of the config", config, defaults.NAMES)
  for section, table in _TABLES.items():
    name = _named(config, section).get("name", "")
    registry.find(f"config.{section}.name", str(name), table)
  known = _known_fields(config)
  fields = dict(_flat(config))
  for section in defaults.NAMES:
    inside = section + "."
    _check_names(
      f"field of config.{section}",
      {f for f in fields if f.startswith(inside)},
      {f for f in known if f.startswith(inside)},
    )
  for field, hint in known.items():
    _check_type(field, fields[field], hint)
    _check_value(field, fields[field])
  _check_rest(config)


def _known_fields(config: ConfigDict) -> dict[str, Any]:
  """Return the type of every field, "section.field" -> hint."""
  sections = defaults.SECTIONS
  hints = {field: type(value) for field, value in _flat(sections)}
  augment = registry.fields_of(AugmentSettings)
  hints |= {f"augment.{name}": field.hint for name, field in augment.items()}
  for section in ("model", "method", "balancing.loss", "balancing.gradient"):
    taken = _TABLES[section][_named(config, section).name].fields
    hints[f"{section}.name"] = str
    hints |= {f"{section}.{name}": field.hint for name, field in taken.items()}
  groups = registry.group_fields(config.method.name)
  hints |= {f"optimizer.{name}": type(value) for name, value in groups.items()}
  typed = defaults.HINTS
  hints |= {name: hint for name, hint in typed.items() if name in hints}
  for source in config.data.sources:
    for name, value in defaults.SOURCE.items():
      hint = typed.get(f"data.{name}", type(value))
      hints[f"{_SOURCES}{source}.{name}"] = hint
  return hints


def _named(config: ConfigDict, section: str) -> ConfigDict:
  """Return a section by its dotted name."""
  for part in section.split("."):
    config = config[part]
  return config


def _flat(sections: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
  """Yield ("section.field", value), and fields outside of sections."""
  for name, content in sections.items():
    if isinstance(content, Mapping | ConfigDict):
      yield from _flat(content, f"{prefix}{name}.")
    else:
      yield prefix + name, content


def _check_names(kind: str, found: Any, known: Any) -> None:
  """Raise unless `found` has exactly the known names."""
  for name in found:
    if name not in known:
      raise errors.unknown_name(kind, name, known)
  missing = sorted(set(known) - set(found))
  if missing:
    raise ValueError(
      errors.message(
        f"A {kind} is missing",
        found=f"no {', '.join(missing)}",
        expected="all of them",
        do="Start from config_lib.base(), and use_model and use_method.",
      )
    )


def _check_type(field: str, value: Any, hint: Any) -> None:
  if _fits(value, hint):
    return
  if get_origin(hint) is Literal and isinstance(value, str):
    raise errors.unknown_name(f"config.{field}", value, get_args(hint))
  raise _bad_value(field, value, _described(hint))


def _fits(value: Any, hint: Any) -> bool:
  """Return whether a value is of an annotated type."""
  arguments = get_args(hint)
  if get_origin(hint) is Literal:
    return value in arguments
  if get_origin(hint) is tuple:
    if not isinstance(value, tuple):
      return False
    if arguments[-1] is Ellipsis:
      arguments = arguments[:1] * len(value)
    return len(value) == len(arguments) and all(map(_fits, value, arguments))
  if hint is float:
    return _fits(value, int) or (
      isinstance(value, float) and math.isfinite(value)
    )
  return isinstance(value, hint) and (hint is bool) == isinstance(value, bool)


def _described(hint: Any) -> str:
  """Return a type in words, such as "a tuple of 5 int"."""
  arguments = get_args(hint)
  if get_origin(hint) is Literal:
    return "one of " + ", ".join(map(repr, arguments))
  if get_origin(hint) is tuple:
    count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
    return f"a tuple of {count}{arguments[0].__name__}"
  return (
    "a finite float" if hint is float else f"a value of type {hint.__name__}"
  )


def _check_value(field: str, value: Any) -> None:
  rule = _RULES.get(_field_of_data(field))
  numbers = value if isinstance(value, tuple) else (value,)
  if rule and not numbers:
    raise _bad_value(field, value, "at least one number")
  if rule and not all(map(rule.holds, numbers)):
    raise _bad_value(field, value, rule.expected)


def _field_of_data(field: str) -> str:
  """Return the field of `data` that one of a source is like."""
  if not field.startswith(_SOURCES):
    return field
  return "data." + field.rpartition(".")[2]


def _check_rest(config: ConfigDict) -> None:
  """Check what more than a type and a bound decides."""
  if len(set(config.tasks)) < len(config.tasks):
    raise _bad_value("tasks", config.tasks, "every task once")
  _check_source("data", config.data)
  for name, source in config.data.sources.items():
    if not name.isidentifier() or name == "main":
      expected = "names of letters, digits and _, other than main"
      raise _bad_value("data.sources", name, expected)
    _check_source(_SOURCES + name, source)
  build.make_augment(config)


def _check_source(place: str, data: ConfigDict) -> None:
  known = {**PREPARERS, build.PREPARED: None}
  registry.find(f"config.{place}.name", data.name, known)
  if any(data.size) and not all(data.size):
    expected = "height and width, or (0, 0)"
    raise _bad_value(f"{place}.size", data.size, expected)
  for field in ("scenario_tasks", "tasks"):
    names = data.get(field, ())
    if len(set(names)) < len(names):
      raise _bad_value(f"{place}.{field}", names, "every task once")
  scenarios.parse_scenario(data.scenario)


def _bad_value(field: str, found: Any, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"config.{field} cannot be used",
      found=repr(found),
      expected=expected,
      do=f"Change the config file or add --config.{field}=VALUE.",
    )
  )
