"""Text files that are whole or not there, and clear errors when writing."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from jtr_jax.core import errors


def replace(path: Path, text: str) -> None:
  """Write a text file so that a reader sees the old or the new one, whole.

  Args:
    path: the file; its folder must exist.
    text: the new content.

  Raises:
    OSError: the file cannot be written; the old content is still there.
  """
  temporary = path.with_name(path.name + ".tmp")
  with clear_errors(path):
    with temporary.open("w", encoding="utf-8", newline="") as file:
      file.write(text)
      file.flush()
      os.fsync(file.fileno())
    temporary.replace(path)


@contextlib.contextmanager
def clear_errors(path: Path) -> Iterator[None]:
  """Turn an `OSError` while writing into one that says what to do.

  Args:
    path: the file or folder that is being written.

  Yields:
    Nothing.

  Raises:
    OSError: of the same kind and number, with a clear text.
  """
  try:
    yield
  except OSError as error:
    text = errors.message(
      "A file cannot be written",
      found=f"{path}: {error.strerror or error}",
      expected="a writable place with free space",
      do="Mend that and start the same command again: the run goes on from "
      "its last checkpoint.",
    )
    raise OSError(error.errno or 0, text) from error
