"""Put runs on one page: curves, tables, pictures, differences of the configs.

python -m jtr_jax.report RUN ... --out=report.html writes a single file that
needs no network. With --watch it is written again while runs train, and the
browser reads it again by itself.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import commands, errors, extras

with extras.required("program"):
  from jtr_jax.report import runs
  from jtr_jax.report.page import MARK, page
  from jtr_jax.workdir import text_files


def main(words: Sequence[str] | None = None) -> int:
  """Run the command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if the page was written.
  """
  given = _parser().parse_args(words)
  return commands.exit_code(_report, given)


def _report(given: argparse.Namespace) -> int:
  """Write the page, and go on doing so as long as is wanted."""
  _require_own(given.out)
  try:
    while not _write(given.runs, given.out, given.watch):
      time.sleep(given.watch)
  except KeyboardInterrupt:  # how --watch is ended
    return 0
  return 0


def _write(folders: Sequence[Path], out: Path, watch: int) -> bool:
  """Write the page; return whether it is the last time."""
  found = runs.read(folders)
  is_last = not watch or all(run.card for run in found)
  text = page(found, refresh=0 if is_last else watch)
  text_files.replace(out, text)
  sys.stdout.write(f"{out}: {len(found)} runs, {len(text) / 1e6:.1f} MB\n")
  sys.stdout.flush()
  return is_last


def _require_own(out: Path) -> None:
  """Raise unless a page may be written over what is there."""
  found = ""
  if out.is_dir():
    found = "a folder"
  elif out.exists() and MARK not in out.read_bytes()[:100].decode("latin-1"):
    found = "a file that is no report"
  elif not out.parent.is_dir():
    found = f"no folder {out.parent}"
  if found:
    raise ValueError(
      errors.message(
        f"The report cannot be written to {out}",
        found=found,
        expected="a new file, or an earlier report",
        do="Choose another --out.",
      )
    )


def _seconds(text: str) -> int:
  if not text.isdigit() or int(text) < 1:
    raise argparse.ArgumentTypeError(
      "give a whole number of seconds, at least 1"
    )
  return int(text)


def _parser() -> argparse.ArgumentParser:
  parser = commands.Parser(
    prog="python -m jtr_jax.report", description=__doc__, allow_abbrev=False
  )
  parser.add_argument(
    "runs",
    nargs="+",
    type=Path,
    metavar="RUN",
    help="workdirs of runs, or of experiments of several",
  )
  parser.add_argument(
    "--out", type=Path, default=Path("report.html"), help="[report.html]"
  )
  parser.add_argument(
    "--watch",
    type=_seconds,
    nargs="?",
    const=20,
    default=0,
    metavar="SECONDS",
    help="write the page again so often until all runs are finished [20]",
  )
  return parser


if __name__ == "__main__":
  sys.exit(main())
