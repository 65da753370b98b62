"""Recompute recorded numbers: python -m jtr_jax.verify FILE.npz ...

Prints for each file a table of quantity, largest error, tolerance and verdict.
The exit code is 0 if every number of every file agrees, and 1 otherwise: also
for a file that cannot be read, is of an unknown kind or lacks a quantity.
"""

import argparse
import sys
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from jtr_jax.core import errors
from jtr_jax.verify import kinds
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
  parser = argparse.ArgumentParser(
    prog="python -m jtr_jax.verify",
    description="Recompute recorded numbers and compare.",
  )
  parser.add_argument("files", nargs="+", metavar="FILE.npz")
  files = parser.parse_args(arguments).files
  verdicts = [_check(path) for path in files]
  return 0 if all(verdicts) else 1


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
