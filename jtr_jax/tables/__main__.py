"""The tables of the papers: what is published, and our runs of it.

python -m jtr_jax.tables list tells which tables there are; show TABLE prints
one, such as jtr_10, ial_I or amtl_C.
"""

import argparse
import sys
from collections.abc import Sequence

from jtr_jax.tables import markdown, read


def main(words: Sequence[str] | None = None) -> int:
  """Run one command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if all is well.
  """
  given = _parser().parse_args(words)
  try:
    sys.stdout.write(given.run(given))
  except (ValueError, OSError) as error:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    return 1
  return 0


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog="python -m jtr_jax.tables", description=__doc__
  )
  commands = parser.add_subparsers(required=True, metavar="COMMAND")
  every = commands.add_parser("list", help="name all tables")
  every.set_defaults(run=_list)
  show = commands.add_parser("show", help="print the numbers of a table")
  show.add_argument("table", metavar="TABLE", help="such as jtr_10")
  show.set_defaults(run=_show)
  return parser


def _list(given: argparse.Namespace) -> str:
  del given
  rows = [
    [table.name, table.title, str(len(read.entries(table)))]
    for table in map(read.table, read.names())
  ]
  return markdown.grid(["table", "title", "rows"], rows, texts=2) + "\n"


def _show(given: argparse.Namespace) -> str:
  return markdown.table_text(read.table(given.table))


if __name__ == "__main__":
  sys.exit(main())
