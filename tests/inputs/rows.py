"""What a row of the tables of bad inputs is."""

import dataclasses
from collections.abc import Callable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Row:
  """A command line that has to be refused.

  Attributes:
    command: a key of `commands.COMMANDS`.
    words: of the command line; {here} is the folder of all inputs.
    says: what must stand in the message: what was found, what to do.
    make: writes further inputs into that folder first.
    table: whether the messages are lines of a report, as those of `verify`.
  """

  command: str
  words: str
  says: tuple[str, ...]
  make: Callable[[Path], None] | None = None
  table: bool = False

  def __str__(self) -> str:
    return f"{self.command} {self.words}"[-90:]


def rows(command, *table):
  """Return rows of one command: (words, *says) each, make by itself."""
  found = []
  for words, *rest in table:
    make = next((x for x in rest if callable(x)), None)
    says = tuple(x for x in rest if not callable(x))
    found.append(Row(command, words, says, make))
  return found
