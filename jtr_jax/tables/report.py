"""Our runs of a table beside what is published."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.tables import markdown, read, recorded, results
from jtr_jax.tables.cells import Cell
from jtr_jax.tables.form import Entry, Table
from jtr_jax.tables.recorded import Recorded
from jtr_jax.tables.results import Spread

_DIGITS = 4  # of our numbers where none are printed


def report(table: Table, place: Path, rule: str) -> str:
  """Return a page: published, ours and the distance, for each row.

  Args:
    table: the table.
    place: the folder of `run.run`, or a file of `recorded.write`.
    rule: which outcome of a result card, "last" or "best".

  Returns:
    Markdown.

  Raises:
    ValueError: there is no finished run of the table.
  """
  entries, records = read.entries(table), recorded.read(place)
  ours = {e.name: results.reached(e, records, rule) for e in entries}
  if not any(ours.values()):
    raise ValueError(
      errors.message(
        f"There is no finished run of {table.name}",
        found=f"none in {place}",
        expected="<group>/<row>/seed<k>/result.json",
        do=f"Run it: python -m jtr_jax.tables run {table.name} --out={place}.",
      )
    )
  groups = [
    _group_text([e for e in entries if e.group is group], ours)
    for group in table.groups.values()
  ]
  parts = [
    f"## {table.name}: {table.title}",
    f"Published: {table.source}. Ours: {_counted(rule)}; distances are ours "
    "minus published.",
    *groups,
    "\n".join(_facts(entries, records)),
    markdown.notes(table),
  ]
  return "\n\n".join(filter(None, parts)) + "\n"


def _counted(rule: str) -> str:
  return f"the {rule} step, mean ± sample deviation over seeds"


def _group_text(
  entries: list[Entry], ours: Mapping[str, Mapping[str, Spread]]
) -> str:
  """Return the rows of a group, each in up to three lines."""
  group = entries[0].group
  lines = [
    line for entry in entries for line in _lines(entry, ours[entry.name])
  ]
  titles = [group.heading, "", *map(markdown.heading, group.columns)]
  return markdown.grid(titles, lines, texts=2)


def _lines(entry: Entry, ours: Mapping[str, Spread]) -> Iterator[list[str]]:
  """Yield the published numbers of a row, ours, and the distances."""
  published, columns = entry.published, entry.group.columns
  yield [
    markdown.label(entry.row),
    "published",
    *(published[column.key].text for column in columns),
  ]
  if not ours:
    return
  yield [
    "",
    "ours",
    *(_ours(published[c.key], ours.get(c.key)) for c in columns),
  ]
  distances = [_distance(published[c.key], ours.get(c.key)) for c in columns]
  if any(distances):
    yield ["", "distance", *distances]


def _ours(printed: Cell, found: Spread | None) -> str:
  """Return our number with the digits of the printed one."""
  if found is None:
    return ""
  mean = _rounded(found.mean, printed)
  if found.deviation is None:
    return mean
  return f"{mean} ± {_rounded(found.deviation, printed)}"


def _distance(printed: Cell, found: Spread | None) -> str:
  if found is None or printed.value is None:
    return ""
  return f"{found.mean - printed.value:+.{_places(printed)}f}"


def _rounded(value: float, printed: Cell) -> str:
  if printed.value is None:
    return f"{value:.{_DIGITS}g}"
  return f"{value:.{_places(printed)}f}"


def _places(printed: Cell) -> int:
  """Return how many decimals are printed; two for a duration."""
  _, point, decimals = printed.text.partition(" ")[0].partition(".")
  return len(decimals) if point or "h" not in printed.text else 2


def _facts(
  entries: Sequence[Entry], records: Sequence[Recorded]
) -> Iterator[str]:
  """Yield a line for each row that has runs: what they were."""
  for entry in entries:
    runs = results.of_row(entry, records)
    cards = [run.card for run in runs if run.card]
    if cards:
      seeds = ", ".join(str(run.seed) for run in runs)
      last = cards[0].outcomes[0]
      yield (
        f"* {entry.name}: {cards[0].name}, {cards[0].scenario}, "
        f"{cards[0].images} images, step {last.step}; seeds {seeds}"
      )
