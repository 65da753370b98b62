"""What a table of a paper consists of."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from jtr_jax.tables import cells
from jtr_jax.tables.cells import Cell

PAPERS = ("JTR", "IAL", "AMTL")

Kind: TypeAlias = Literal["results", "cost"]
Derived: TypeAlias = Literal["delta", "acc", "sum"]


class Column(NamedTuple):
  """A column of a table.

  Attributes:
    key: its name in the file.
    heading: as printed.
    unit: of its numbers; "%" of a metric is 100 times a fraction.
    direction: +1 if higher is better, -1 if lower.
    metric: "<task>/<metric>" of a result card, or ""; "*/<metric>" is the mean
      over all tasks.
    gain_of: the metric of which the column has the relative gain, or "".
    cost: what is measured by `jtr_jax.benchmark`, or "".
    derived: how it follows from other columns, or "".
    over: keys of those columns; () for all metrics of the group.
  """

  key: str
  heading: str
  unit: str
  direction: int
  metric: str = ""
  gain_of: str = ""
  cost: str = ""
  derived: Derived | Literal[""] = ""
  over: tuple[str, ...] = ()


class Row(NamedTuple):
  """How a row is run.

  Attributes:
    key: its name in the file.
    label: as printed.
    config: what follows the group's `configs` in the name of a config file.
    arguments: of that file, what follows the colon.
    flags: further words of the command line.
    differs: how our run differs from what is published.
    missing: what is not there to run it, or "".
  """

  key: str
  label: str
  config: str
  arguments: str = ""
  flags: tuple[str, ...] = ()
  differs: tuple[str, ...] = ()
  missing: str = ""


class Group(NamedTuple):
  """A part of a table with one setting.

  Attributes:
    key: its name in the file.
    heading: as printed.
    configs: how the names of its config files begin, such as "nyu".
    columns: those that it has, in order.
    published: key of a row -> its printed numbers, one for each column.
    baseline: "<group>/<row>" that gains are relative to, "*" for the same row;
      "" if there is none.
    arguments: of the config files of all its rows.
    flags: further words of the command line.
    images: of the training split, for the time that a training takes; 0 if it
      is not known.
    unexplained: key of a row -> why a derived number does not follow.
    differs: how our runs differ from what is published.
    missing: what is not there to run it, or "".
  """

  key: str
  heading: str
  configs: str
  columns: tuple[Column, ...]
  published: Mapping[str, tuple[Cell, ...]]
  baseline: str = ""
  arguments: str = ""
  flags: tuple[str, ...] = ()
  images: int = 0
  unexplained: Mapping[str, str] = {}
  differs: tuple[str, ...] = ()
  missing: str = ""


class Table(NamedTuple):
  """A table of a paper.

  Attributes:
    name: such as "jtr_10".
    paper: one of `PAPERS`.
    number: as printed.
    title: what it shows.
    source: paper, section and table.
    settings: what the paper says of its runs.
    rows: key -> row.
    groups: key -> group.
    kind: "cost" for what `jtr_jax.benchmark` measures.
    caveats: what to know of the printed numbers.
    differs: how our runs differ from what is published.
    missing: what is not there to run it, or "".
  """

  name: str
  paper: str
  number: str
  title: str
  source: str
  settings: tuple[str, ...]
  rows: Mapping[str, Row]
  groups: Mapping[str, Group]
  kind: Kind = "results"
  caveats: tuple[str, ...] = ()
  differs: tuple[str, ...] = ()
  missing: str = ""


class Entry(NamedTuple):
  """A row in one group of a table; `name` is "<group>/<row>"."""

  table: Table
  group: Group
  row: Row

  @property
  def name(self) -> str:
    """Its name within the table, and its folder among runs."""
    return f"{self.group.key}/{self.row.key}"

  @property
  def published(self) -> dict[str, Cell]:
    """Key of a column -> the printed cell."""
    printed = self.group.published[self.row.key]
    keys = [column.key for column in self.group.columns]
    return dict(zip(keys, printed or [cells.NOTHING] * len(keys), strict=True))

  @property
  def missing(self) -> str:
    """What is not there to run it, as the file says; "" if nothing."""
    return self.row.missing or self.group.missing or self.table.missing
