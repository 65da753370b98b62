"""Exit codes of commands, and errors in one line."""

import argparse
import sys
from collections.abc import Callable


def exit_code(
  run: Callable[[argparse.Namespace], int], given: argparse.Namespace
) -> int:
  """Return the exit code of a command; an error is one line and the code 1.

  Args:
    run: the command; it raises `ValueError` or `OSError` for what a user can
      correct, with a text that says how.
    given: its arguments.
  """
  try:
    return run(given)
  except (ValueError, OSError) as error:
    sys.stderr.write(f"{error}\n")
    return 1
