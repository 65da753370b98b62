"""Reads the tables of the papers from `published/*.toml`.

A file has facts on the table, and the sections `columns`, `rows` (how a row is
run) and `groups` (the parts of a table that share a setting, each with the
numbers of its rows as printed). docs/results/published_tables.md explains it.
"""

import difflib
import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from jtr_jax.core import errors
from jtr_jax.tables import cells
from jtr_jax.tables.form import (
  PAPERS,
  Column,
  Derived,
  Entry,
  Group,
  Kind,
  Row,
  Table,
)

FOLDER = Path(__file__).parent / "published"
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
_BETTER = {"higher": 1, "lower": -1}


@functools.cache
def names() -> tuple[str, ...]:
  """Return the names of all tables, in the order of the papers."""
  return tuple(sorted(_paths(), key=_place))


@functools.cache
def table(name: str) -> Table:
  """Return a table.

  Args:
    name: such as "jtr_10", "ial_I" or "amtl_C"; also written "JTR 10", "ial-1".

  Raises:
    ValueError: there is no such table, naming the nearest; or its file is not
      of the form described here.
  """
  own = _canonical(name)
  path = _paths()[own]
  try:
    return _table(own, tomllib.loads(path.read_text(encoding="utf-8")))
  except (KeyError, TypeError, ValueError) as error:
    raise ValueError(f"{path.name}: {error}") from error


def entries(of: Table, wanted: Sequence[str] = ()) -> tuple[Entry, ...]:
  """Return rows of a table, in its order.

  Args:
    of: the table.
    wanted: "<group>/<row>", a row in all groups, or a whole group; () for all.

  Raises:
    ValueError: there is no such row, naming the nearest.
  """
  everything = tuple(_entries(of))
  known = {
    word
    for entry in everything
    for word in (entry.name, entry.group.key, entry.row.key)
  }
  for word in wanted:
    if word not in known:
      raise errors.unknown_name(f"row of table {of.name}", word, known)
  return tuple(
    entry
    for entry in everything
    if not wanted or {entry.name, entry.group.key, entry.row.key} & set(wanted)
  )


def baseline(entry: Entry) -> Entry | None:
  """Return the row that the gains of a row are relative to, if there is one."""
  group, _, row = entry.group.baseline.partition("/")
  if not group:
    return None
  key = entry.row.key if row == "*" else row
  return Entry(entry.table, entry.table.groups[group], entry.table.rows[key])


def _entries(of: Table) -> Iterator[Entry]:
  for group in of.groups.values():
    for key in group.published:
      yield Entry(of, group, of.rows[key])


def _paths() -> dict[str, Path]:
  return {
    path.stem.replace("_table_", "_"): path for path in FOLDER.glob("*.toml")
  }


def _place(name: str) -> tuple[int, int, str]:
  """Return the sort key that orders tables as the papers do."""
  paper, number = name.split("_")
  place = PAPERS.index(paper.upper())
  if number.isdigit():
    return place, int(number), ""
  return place, 100 + (_ROMAN.index(number) if paper == "ial" else 0), number


def _canonical(name: str) -> str:
  """Return the name that a table has here."""
  words = re.fullmatch(r"\W*([a-z]+)[\W_]*(?:table)?[\W_]*(\w+)\W*", name, re.I)
  if words:
    paper, number = words[1].lower(), words[2].upper()
    if paper == "ial" and number.isdigit() and 0 < int(number) <= len(_ROMAN):
      number = _ROMAN[int(number) - 1]
    if f"{paper}_{number}" in _paths():
      return f"{paper}_{number}"
  raise _unknown_table(name)


def _unknown_table(name: str) -> ValueError:
  near = difflib.get_close_matches(name, names(), n=1, cutoff=0.3)
  hint = f"Did you mean {near[0]!r}? " if near else ""
  return ValueError(
    errors.message(
      "Unknown table",
      found=repr(name),
      expected="such as jtr_10, ial_I or amtl_C",
      do=hint + "See python -m jtr_jax.tables list.",
    )
  )


def _table(name: str, content: Mapping[str, Any]) -> Table:
  fields = dict(content)
  columns = {k: _column(k, c) for k, c in fields.pop("columns", {}).items()}
  rows = {
    key: _make(Row, {"key": key, **row})
    for key, row in fields.pop("rows", {}).items()
  }
  groups = {
    key: _group(key, group, columns, rows)
    for key, group in fields.pop("groups", {}).items()
  }
  made: Table = _make(
    Table, {"name": name, "rows": rows, "groups": groups, **fields}
  )
  if made.paper not in PAPERS or made.kind not in get_args(Kind):
    raise ValueError(f"unknown paper {made.paper!r} or kind {made.kind!r}")
  return made


def _column(key: str, content: Mapping[str, Any]) -> Column:
  fields = dict(content)
  direction = _BETTER[fields.pop("better")]
  column: Column = _make(Column, {"key": key, "direction": direction, **fields})
  sources = (column.metric, column.gain_of, column.cost, column.derived)
  if sum(map(bool, sources)) != 1:
    raise ValueError(
      f"column {key!r} is not one of metric, gain_of, cost and derived"
    )
  if column.derived and column.derived not in get_args(Derived):
    raise ValueError(f"column {key!r} is derived as {column.derived!r}")
  return column


def _group(
  key: str,
  content: Mapping[str, Any],
  columns: Mapping[str, Column],
  rows: Mapping[str, Row],
) -> Group:
  fields = dict(content)
  own = tuple(columns[name] for name in fields.pop("columns"))
  published = {}
  for row, numbers in fields.pop("published").items():
    if row not in rows:
      raise ValueError(f"group {key!r} has numbers of no row {row!r}")
    if numbers and len(numbers) != len(own):
      raise ValueError(f"{key}/{row} has not {len(own)} numbers")
    published[row] = tuple(map(cells.parse, numbers))
  group: Group = _make(
    Group, {"key": key, "columns": own, "published": published, **fields}
  )
  return group


def _make(kind: Any, fields: Mapping[str, Any]) -> Any:
  """Return a record of the fields of a file, lists as tuples."""
  return kind(
    **{
      name: tuple(value) if isinstance(value, list) else value
      for name, value in fields.items()
    }
  )
