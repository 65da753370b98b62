"""Traits that a user's own method declares, checked against the settings."""

from collections.abc import Mapping

from jtr_jax.config import schema
from jtr_jax.config.optimizer_settings import OptimizerSettings
from jtr_jax.config.schema import Field
from jtr_jax.config.settings import ExperimentSettings, TrainSettings
from jtr_jax.core import errors
from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.methods.traits import Traits

GROUP_FIELDS = ("learning_rate", "decay_rate", "decay_epochs")
"""The fields of an optimiser group other than the main one."""

_SECTIONS = {
  "train": TrainSettings,
  "optimizer": OptimizerSettings,
  "augment": AugmentSettings,
  "experiment": ExperimentSettings,
}


def require_known(
  name: str, traits: Traits, fields: Mapping[str, Field]
) -> None:
  """Raise a `ValueError` for traits that name no setting, or a bad value.

  Args:
    name: of the method.
    traits: what its constructor declares.
    fields: of the method itself.
  """
  if "paper" not in traits.variants:
    raise ValueError(
      errors.message(
        f"{name} has no default variant",
        found=", ".join(traits.variants) or "no variants",
        expected="a variant 'paper'",
        do='Declare variants={"paper": Variant(...), ...}.',
      )
    )
  sections = {section: schema.fields_of(c) for section, c in _SECTIONS.items()}
  sections["method"] = dict(fields)
  for variant, chosen in traits.variants.items():
    for section, values in chosen._asdict().items():
      place = f"{name}, variant {variant!r}: {section}"
      _require(place, values, sections[section])
  followed = [traits.filters] if traits.filters else []
  schema.check_names(f"field of {name}: filters", followed, fields)
  _require(f"{name}: unlabelled", traits.unlabelled, fields)
  usual = {field: sections["optimizer"][field] for field in GROUP_FIELDS}
  for group, values in traits.groups.items():
    _require(f"{name}, group {group!r}: optimizer", values, usual)


def _require(
  place: str, values: Mapping[str, object], fields: Mapping[str, Field]
) -> None:
  """Raise unless values are those of fields."""
  schema.check_names(f"field of {place}", values, fields)
  for field, value in values.items():
    schema.check(f"{place}.{field}", value, fields[field])
