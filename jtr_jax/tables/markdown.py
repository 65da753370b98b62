"""Tables as Markdown: the printed numbers, their settings and caveats."""

from collections.abc import Iterable, Sequence

from jtr_jax.tables.form import Column, Group, Row, Table

ARROWS = {1: "↑", -1: "↓"}


def table_text(table: Table) -> str:
  """Return a table as a page: facts, numbers as printed, and caveats."""
  parts = [
    f"## {table.name}: {table.title}",
    f"{table.source}.",
    *(_group_text(table, group) for group in table.groups.values()),
    notes(table),
  ]
  return "\n\n".join(filter(None, parts)) + "\n"


def notes(table: Table) -> str:
  """Return the settings, the caveats and how our runs differ, as a list."""
  parts = [
    ("", table.differs, table.missing),
    *((f"{g.heading}: ", g.differs, g.missing) for g in table.groups.values()),
    *((f"{label(r)}: ", r.differs, r.missing) for r in table.rows.values()),
  ]
  lines = [
    *(f"* Setting: {text}" for text in table.settings),
    *(f"* {text}" for text in table.caveats),
    *(f"* Ours. {of}{text}" for of, texts, _ in parts for text in texts),
    *(f"* Missing. {of}{missing}." for of, _, missing in parts if missing),
  ]
  return "\n".join(lines)


def heading(column: Column) -> str:
  """Return the heading of a column with its unit and direction."""
  text = column.heading
  if column.unit not in text:
    text += f", {column.unit}"
  return f"{text} {ARROWS[column.direction]}"


def label(row: Row) -> str:
  """Return the label of a row, safe in Markdown."""
  return row.label.replace("*", "\\*")


def grid(
  titles: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1
) -> str:
  """Return a Markdown table; all columns but the first `texts` are numbers."""
  ruler = [*["---"] * texts, *["---:"] * (len(titles) - texts)]
  return "\n".join(
    f"| {' | '.join(cells)} |" for cells in (titles, ruler, *rows)
  )


def _group_text(table: Table, group: Group) -> str:
  """Return the printed numbers of one group."""
  shown = [key for key, numbers in group.published.items() if numbers]
  if not shown:
    labels = ", ".join(label(table.rows[key]) for key in group.published)
    return f"{group.heading}: {labels}; no numbers."
  rows = [
    [
      label(table.rows[key]) + " \\*" * (key in group.unexplained),
      *(cell.text for cell in group.published[key]),
    ]
    for key in shown
  ]
  text = grid([group.heading, *map(heading, group.columns)], rows)
  reasons: dict[str, list[str]] = {}
  for key, reason in group.unexplained.items():
    reasons.setdefault(reason, []).append(label(table.rows[key]))
  lines = [f"\\* {', '.join(who)}: {why}." for why, who in reasons.items()]
  return "\n\n".join([text, *lines])
