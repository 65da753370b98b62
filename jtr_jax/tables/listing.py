"""All tables at a glance, and the page of the documentation on them."""

import re
from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.data.records.prepared import is_prepared
from jtr_jax.tables import markdown, read
from jtr_jax.tables.form import Table
from jtr_jax.tables.recipe import AS_PUBLISHED, problem, recipe

MARK = "<!-- What follows is printed: python -m jtr_jax.tables page FILE -->\n"
"""Ends the part of the page that is written by hand."""


def overview() -> str:
  """Return a line for each table: rows that can be run, and what is missing."""
  rows = []
  for table in map(read.table, read.names()):
    entries = read.entries(table)
    problems = [problem(entry, AS_PUBLISHED) for entry in entries]
    reasons = dict.fromkeys(map(_family, filter(None, problems)))
    rows.append(
      [
        table.name,
        table.title,
        f"{problems.count('')} of {len(problems)}",
        "; ".join(reasons) or table.missing,
      ]
    )
  titles = ["table", "title", "rows that can be run", "missing"]
  return markdown.grid(titles, rows, texts=4) + "\n"


def unprepared() -> tuple[str, ...]:
  """Return the directories that rows need and that are not prepared here."""
  found = set()
  for table in map(read.table, read.names()):
    for entry in read.entries(table):
      if problem(entry, AS_PUBLISHED):
        continue
      data = recipe(entry, AS_PUBLISHED, 0).settings().data
      found |= {one.directory for one in (data, *data.sources.values())}
  return tuple(name for name in sorted(found) if not is_prepared(Path(name)))


def commands(table: Table) -> str:
  """Return the command of every row of a table, or why there is none."""
  lines = []
  for entry in read.entries(table):
    hindrance = problem(entry, AS_PUBLISHED)
    how = recipe(entry, AS_PUBLISHED, 0)
    place = f"runs/{table.name}/{entry.name}/seed0"
    command = f"# missing: {hindrance}" if hindrance else how.command(place)
    lines += [f"# {entry.name}", command]
  return "\n".join(lines) + "\n"


def page(text: str) -> str:
  """Return the page of the documentation, with a new part after its mark.

  Args:
    text: the page as it is.

  Raises:
    ValueError: it has no mark.
  """
  written, mark, _ = text.partition(MARK)
  if not mark:
    raise ValueError(
      errors.message(
        "The page cannot be printed",
        found="no line that ends what is written by hand",
        expected=MARK.strip(),
        do="Add that line.",
      )
    )
  tables = [read.table(name) for name in read.names()]
  parts = [written + mark, overview(), *map(markdown.table_text, tables)]
  return "\n".join(parts)


def _family(reason: str) -> str:
  """Return a missing config file as one of its family."""
  return re.sub(r"(configs/[a-z]+)_\w+\.py", r"\1_*.py", reason)
