"""A section of a config that names an entry of a table."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import registry
from jtr_jax.core import errors


def make_section(
  kind: str,
  name: str,
  table: Mapping[str, registry.Builder],
  fields: Mapping[str, Any],
  preset: Mapping[str, Any],
) -> ConfigDict:
  """Return {name, all fields of the builder}: the default, preset or given.

  Args:
    kind: what the table is of, for error messages.
    name: a key of the table.
    table: the builders.
    fields: values for single fields.
    preset: values that are taken where the builder has such a field.

  Raises:
    ValueError: an unknown name or field, naming the nearest.
  """
  known = registry.find(kind, name, table).fields
  for field in fields:
    if field not in known:
      raise errors.unknown_name(f"field of {kind} {name!r}", field, known)
  values = {f: preset.get(f, known[f].default) for f in known}
  return ConfigDict({"name": name, **values, **fields})
