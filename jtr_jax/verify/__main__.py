"""Recompute recorded numbers: python -m jtr_jax.verify FILE.npz ...

Prints for each file a table of quantity, largest error, tolerance and verdict.
The exit code is 0 if every number of every file agrees, and 1 otherwise: also
for a file that cannot be read, is of an unknown kind or lacks a quantity.

With --checkpoint=FILE.pth.tar --data=DIR it evaluates what a released program
saved, as that program does.
"""

import argparse
import sys
import zipfile
import zlib
from collections.abc import Sequence

from jtr_jax.core import extras

with extras.required("program"):
  import numpy as np

  from jtr_jax.core import commands, errors, paths
  from jtr_jax.verify import kinds, released_checkpoint
  from jtr_jax.verify.comparison import Quantity, RecordError, Recording

_UNREADABLE = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)
_HEADING = f"{'quantity':<40} {'largest error':>13} {'tolerance':>9}  verdict"


def main(arguments: Sequence[str] | None = None) -> int:
  """Check the files and return the exit code.

  Args:
    arguments: the command line without the program; None for `sys.argv`.

  Returns:
    0 if everything agrees, else 1.
  """
  parser = commands.Parser(
    prog="python -m jtr_jax.verify",
    description="Recompute recorded numbers and compare.",
    allow_abbrev=False,
  )
  parser.add_argument("files", nargs="*", metavar="FILE.npz")
  parser.add_argument(
    "--checkpoint", help="what MTPSL's or JTR's program saved"
  )
  parser.add_argument("--data", help="prepared data set to evaluate it on")
  parser.add_argument("--split", default="val", help="of the data [val]")
  given = parser.parse_args(arguments)
  if bool(given.files) == bool(given.checkpoint):
    parser.error("give either recorded files, or --checkpoint and --data")
  if bool(given.data) != bool(given.checkpoint):
    parser.error("--checkpoint and --data go together")
  return commands.run(lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
  if given.checkpoint:
    return _evaluate(given.checkpoint, given.data, given.split)
  verdicts = [_check(path) for path in given.files]
  return 0 if all(verdicts) else 1


def _evaluate(checkpoint: str, data: str, split: str) -> int:
  """Print the metrics of a released checkpoint; return the exit code."""
  paths.check_input(checkpoint, "--checkpoint")
  measured = released_checkpoint.evaluate(checkpoint, data, split)
  _write(
    f"{checkpoint}: {measured.network}, {measured.images} images of {split}"
  )
  for line in released_checkpoint.table(measured):
    _write(f"  {line}")
  return 0


def _check(path: str) -> bool:
  """Print the table of one file and return whether everything agrees."""
  _write(f"{path}\n  {_HEADING}")
  passed = failed = 0
  try:
    for quantity in kinds.recompute(_read(path)):
      _write(_row(quantity))
      passed += quantity.passed
      failed += not quantity.passed
  except ValueError as error:
    _write(f"  ERROR: {error}")
    return False
  _write(f"  {passed} agree, {failed} differ")
  return failed == 0 and passed > 0


def _read(path: str) -> Recording:
  paths.check_input(path, "The recorded file")
  try:
    with open(path, "rb") as file:
      archive = np.load(file, allow_pickle=False)
      if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError("a single array")
      return Recording(archive)
  except _UNREADABLE as error:
    raise RecordError(
      errors.message(
        f"Cannot read {path}",
        found=f"{type(error).__name__}: {error}",
        expected="an .npz archive of plain arrays",
        do="Check the path and the file.",
      )
    ) from error


def _row(quantity: Quantity) -> str:
  verdict = "ok" if quantity.passed else "MISMATCH"
  return (
    f"  {quantity.name:<40} {quantity.error:>13.2e} "
    f"{quantity.tolerance:>9.0e}  {verdict}"
  )


def _write(line: str) -> None:
  sys.stdout.write(line + "\n")


if __name__ == "__main__":
  sys.exit(main())
