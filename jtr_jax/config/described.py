"""Every field of a config in words: docs/config.md, and --helpfull.

    python -m jtr_jax.config.described docs/config.md

writes the page anew.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.config import layout, registry, schema
from jtr_jax.config.schema import Field
from jtr_jax.config.settings import FurtherSource, Settings
from jtr_jax.core.docstrings import summary
from jtr_jax.data.label_splits import scenarios

_HEAD = """\
# Every field of a config

`--config.SECTION.FIELD=VALUE` sets a field of whatever config file is given;
`--print_config` prints the values that a command line leads to. Tuples are
written as in Python, `(96, 128)`; tuples of names also as `depth+normals`. A
field that is not listed is an error that names the nearest. Whole numbers
without a bound of their own are at most {largest}, as devices count in 32
bits.

This page is made from the code: `python -m jtr_jax.config.described
docs/config.md`.
"""

_TABLE = "| field | default | what it may be | what it is |\n|---|---|---|---|"


class _Section(NamedTuple):
  """A heading, what stands below it, and fields with dotted names."""

  title: str
  about: str
  fields: Mapping[str, Field]


def as_page() -> str:
  """Return docs/config.md."""
  parts = [_HEAD.format(largest=schema.LARGEST_INT)]
  for section in _sections():
    parts.append(f"## {section.title}\n")
    parts.append(f"{section.about}\n" if section.about else "")
    if section.fields:
      rows = [_row(name, field) for name, field in section.fields.items()]
      parts.append("\n".join([_TABLE, *rows]) + "\n")
  parts.append(_scenarios())
  return "\n".join(filter(None, parts))


def as_text() -> str:
  """Return a line for every field, for --helpfull."""
  return "\n".join(
    f"  {name}={schema.written(field.default)}: {field.about} "
    f"[{schema.describe(field)}]"
    for section in _sections()
    for name, field in section.fields.items()
  )


def _sections() -> Iterator[_Section]:
  yield _Section("The top", "", schema.fields_of(Settings))
  for place, cls in layout.SECTIONS.items():
    fields = _below(place, schema.fields_of(cls))
    has_choice = place in registry.PARTS
    if has_choice:
      fields = _with_name(place) | fields
    yield _Section(place, summary(cls), fields)
    if has_choice:
      yield from _choices(place)
    if place == "balancing":
      for part in ("balancing.loss", "balancing.gradient"):
        yield _Section(part, "", _with_name(part))
        yield from _choices(part)
    if place == "data":
      own = schema.fields_of(FurtherSource)
      name = "data.sources.NAME"
      yield _Section(name, summary(FurtherSource), _below(name, own))
  for place in ("model", "method"):
    yield _Section(place, "", _with_name(place))
    yield from _choices(place)


def _choices(place: str) -> Iterator[_Section]:
  """Yield the fields of what a section can choose, of like choices once."""
  found: list[tuple[list[str], dict[str, Field]]] = []
  for name, entry in registry.PARTS[place].entries.items():
    groups = _below("optimizer", entry.group_fields)
    fields = _below(place, entry.fields) | groups
    same = [names for names, known in found if known == fields]
    if same:
      same[0].append(name)
    elif fields:
      found.append(([name], fields))
  for names, fields in found:
    yield _Section(f"{place}.name={', '.join(names)}", "", fields)


def _below(place: str, fields: Mapping[str, Field]) -> dict[str, Field]:
  return {f"{place}.{name}": field for name, field in fields.items()}


def _with_name(place: str) -> dict[str, Field]:
  table = registry.PARTS[place]
  about = ", ".join(table.entries) + ", or `package.module:attribute`"
  return {f"{place}.name": Field(str, table.default, about=about)}


def _row(name: str, field: Field) -> str:
  default = schema.written(field.default)
  about = field.about + (f" ({field.source})" if field.source else "")
  form = schema.describe(field)
  cells = (f"`{name}`", f"`{default}`" if default else "", form, about)
  return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _scenarios() -> str:
  """Return the names that `data.scenario` may have, from the module's text."""
  text: Any = scenarios.__doc__
  _, _, names = text.partition("Names of scenarios:\n\n")
  return f"## Scenarios\n\nValues of `data.scenario`:\n\n{names.strip()}\n"


if __name__ == "__main__":
  Path(sys.argv[1]).write_text(as_page(), encoding="utf-8")
