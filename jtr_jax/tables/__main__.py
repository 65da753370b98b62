"""The tables of the papers: what is published, and our runs of it.

python -m jtr_jax.tables list names the tables and what can be run;
show TABLE prints one, such as jtr_10, ial_I or amtl_C; run TABLE --out=DIR
trains its rows, as ordinary experiments, and report TABLE --runs=DIR prints our
numbers beside the published ones.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import commands, errors, extras, paths
from jtr_jax.core.commands import exit_code
from jtr_jax.core.fields import SEED
from jtr_jax.tables import markdown, read

with extras.required("program"):
  from jtr_jax.tables import listing
  from jtr_jax.tables.recipe import Request


def main(words: Sequence[str] | None = None) -> int:
  """Run one command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if all is well.
  """
  parser = _parser()
  given, rest = parser.parse_known_args(words)
  if rest and given.run is not _run:
    parser.error(f"unrecognized arguments: {' '.join(rest)}")
  given.flags = tuple(rest)
  return exit_code(given.run, given)


def _parser() -> argparse.ArgumentParser:
  parser = commands.Parser(
    prog="python -m jtr_jax.tables", description=__doc__, allow_abbrev=False
  )
  named = parser.add_subparsers(required=True, metavar="COMMAND")
  every = named.add_parser("list", help="name all tables")
  every.set_defaults(run=_list)
  show = named.add_parser("show", help="print the numbers of a table")
  show.set_defaults(run=_show)
  page = named.add_parser("page", help="print a page of all tables anew")
  page.add_argument("file", type=Path, help="such as docs/results/....md")
  page.set_defaults(run=_page)
  run = named.add_parser(
    "run",
    help="train rows of a table; --config.FIELD=VALUE is for all of them",
    allow_abbrev=False,
  )
  run.add_argument("--out", type=Path, required=True, help="where runs go")
  run.add_argument(
    "--rows",
    default="",
    help="rows or groups, with commas between [all that can be run]",
  )
  run.add_argument("--seeds", default="0", help="such as 0,1,2 [0]")
  run.add_argument(
    "--budget", default="", help="epochs=N or steps=N [as published]"
  )
  run.add_argument(
    "--data", default="", help="rooms, or a prepared directory [as published]"
  )
  run.add_argument(
    "--minutes",
    type=_minutes,
    default=0.0,
    help="save and stop then; the same command resumes [no limit]",
  )
  run.add_argument(
    "--anyway",
    action="store_true",
    help="also rows that lack something, such as the published network",
  )
  run.set_defaults(run=_run)
  report = named.add_parser("report", help="print ours beside published")
  report.add_argument(
    "--runs", type=Path, required=True, help="--out of run, or of collect"
  )
  report.add_argument(
    "--rule", choices=("last", "best"), default="last", help="[last]"
  )
  report.set_defaults(run=_report)
  collect = named.add_parser("collect", help="put all runs into one file")
  collect.add_argument(
    "--runs", type=Path, required=True, help="--out of the runs"
  )
  collect.add_argument("--out", type=Path, required=True, help="a JSON file")
  collect.set_defaults(run=_collect)
  for command in (show, run, report):
    command.add_argument("table", metavar="TABLE", help="such as jtr_10")
  return parser


def _list(given: argparse.Namespace) -> int:
  del given
  sys.stdout.write(listing.overview())
  missing = ", ".join(listing.unprepared())
  if missing:
    sys.stdout.write(f"\nNot prepared on this machine: {missing}.\n")
  return 0


def _show(given: argparse.Namespace) -> int:
  table = read.table(given.table)
  text = f"{markdown.table_text(table)}\n{listing.commands(table)}"
  sys.stdout.write(text)
  return 0


def _page(given: argparse.Namespace) -> int:
  paths.check_input(given.file, "The page")
  text = listing.page(given.file.read_text(encoding="utf-8"))
  given.file.write_text(text, encoding="utf-8")
  return 0


def _run(given: argparse.Namespace) -> int:
  from jtr_jax.tables import run  # loads JAX, which the others need not
  from jtr_jax.train.compilation import enable_compilation_cache

  table = read.table(given.table)
  paths.check_folder(given.out, "--out")
  wanted = [word for word in given.rows.split(",") if word]
  entries = read.entries(table, wanted)
  request = Request(given.budget, given.data, given.flags, given.anyway)
  enable_compilation_cache()
  is_good = True
  seeds, seconds = _seeds(given.seeds), 60 * given.minutes
  for done in run.run(
    entries, given.out, request, seeds, seconds=seconds or None
  ):
    sys.stdout.write(f"{done.name}: {done.outcome}: {done.detail}\n")
    sys.stdout.flush()
    is_good &= done.is_good or (done.outcome == "cannot run" and not wanted)
  return 0 if is_good else 1


def _minutes(text: str) -> float:
  try:
    minutes = float(text)
  except ValueError:
    minutes = math.nan
  if not 0 < minutes < 1e6:
    raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes")
  return minutes


def _seeds(text: str) -> list[int]:
  numbers = text.split(",")
  is_seed = lambda n: n.isdecimal() and SEED.holds(int(n))
  if not all(map(is_seed, numbers)) or len(set(numbers)) < len(numbers):
    raise ValueError(
      errors.message(
        "--seeds cannot be used",
        found=repr(text),
        expected=f"whole numbers, {SEED}, each once, with commas between",
        do="Write for example --seeds=0,1,2.",
      )
    )
  return [int(number) for number in numbers]


def _report(given: argparse.Namespace) -> int:
  from jtr_jax.tables import report

  text = report.report(read.table(given.table), given.runs, given.rule)
  sys.stdout.write(text)
  return 0


def _collect(given: argparse.Namespace) -> int:
  from jtr_jax.tables import recorded

  paths.check_output(given.out, "--out")
  records = recorded.read(given.runs)
  recorded.write(given.out, records)
  sys.stdout.write(f"{given.out}: {len(records)} runs\n")
  return 0


if __name__ == "__main__":
  sys.exit(main())
