"""Every number of every balancer has bounds beside it, which configs keep."""

import math

import pytest

from jtr_jax.config import presets, registry, resolve, schema
from jtr_jax.core.fields import Bound
from tests import config_files

TABLES = {
  "loss": registry.LOSS_BALANCERS,
  "gradient": registry.GRADIENT_BALANCERS,
}
ANY_NUMBER = {  # weights that learning may make negative, and an exponent
  ("auto_lambda", "initial"),
  ("impartial_auto_lambda", "initial"),
  ("imtl_l", "initial"),
  ("ol_aux", "initial"),
}
FIELDS = [
  (kind, name, field)
  for kind, table in TABLES.items()
  for name, entry in table.items()
  for field, known in entry.fields.items()
  if known.hint in (int, float, tuple[int, ...], tuple[float, ...])
]


def bounds(kind, name, field):
  marks = TABLES[kind][name].fields[field].marks
  return [mark for mark in marks if isinstance(mark, Bound)]


def outside(bound):
  """Yield a number on either side of an interval that has an end there."""
  if bound.low > -math.inf:
    yield bound.low if bound.open_low else bound.low - 1
  if bound.high < math.inf:
    yield bound.high if bound.open_high else bound.high + 1


def resolved(kind, name, field, value):
  config = presets.base().to_dict()
  config["balancing"][kind] = {"name": name, field: value}
  return resolve.resolve(config)


@pytest.mark.parametrize(("kind", "name", "field"), FIELDS)
def test_numbers_out_of_bounds_are_refused_in_one_line(kind, name, field):
  found = bounds(kind, name, field)
  assert bool(found) != ((name, field) in ANY_NUMBER)
  hint = TABLES[kind][name].fields[field].hint
  whole = hint in (int, tuple[int, ...])
  values = [x for bound in found for x in outside(bound)]
  values = list(map(int, values)) if whole else [*values, math.nan, math.inf]
  assert values
  for value in values:
    given = (value,) if hint in (tuple[int, ...], tuple[float, ...]) else value
    with pytest.raises(ValueError, match="cannot be used") as error:
      resolved(kind, name, field, given)
    expected = schema.describe(TABLES[kind][name].fields[field])
    assert str(error.value).startswith(
      f"config.balancing.{kind}.{field} cannot be used. Found: {given!r}. "
      f"Expected: {expected}."
    )
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "name", "field"), FIELDS)
def test_defaults_are_within_bounds(kind, name, field):
  default = TABLES[kind][name].fields[field].default
  resolved(kind, name, field, default)


def test_units_and_sources_are_beside_the_fields():
  stch = registry.LOSS_BALANCERS["stch"].fields["warm_up"]
  assert (stch.unit, stch.source) == ("epochs", "LibMTL")
  cagrad = registry.GRADIENT_BALANCERS["cagrad"].fields["c"]
  assert cagrad.source == "CAGrad, NYUv2"


def test_flags_of_a_command_line_are_refused_alike():
  with pytest.raises(
    ValueError, match=r"balancing\.gradient\.c cannot.*at least 0"
  ):
    config_files.settings(
      "rooms_supervised", "full,balancing=cagrad", balancing__gradient__c=-0.1
    )
