"""Errors that name the missing extra of a command."""

import contextlib
import sys
from collections.abc import Iterator

from jtr_jax.core import commands, errors


@contextlib.contextmanager
def required(extra: str) -> Iterator[None]:
  """End the program with one line if imports fail or are interrupted.

  Args:
    extra: name of the extra that installs what is imported inside.

  Raises:
    SystemExit: names the missing module and the command that installs it.

  Example:
    with extras.required("program"):
      from absl import app, flags
  """
  try:
    with commands.interruptible():
      yield
  except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] == "jtr_jax":
      raise
    sys.exit(
      errors.message(
        "This command needs more than the library",
        found=str(error),
        expected=f"the extra {extra!r}",
        do=f"Install it: pip install 'jtr_jax[{extra}]'",
      )
    )
