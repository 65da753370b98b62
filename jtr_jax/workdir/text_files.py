"""Atomic writes of files, and clear errors when writing.

Of several processes that train as one, process 0 alone writes.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from jtr_jax.core import errors, hosts, places


def replace(path: Path, text: str) -> None:
  """Replace a text file atomically.

  Args:
    path: the file; its folder must exist.
    text: the new content.

  Raises:
    OSError: the file cannot be written; the old content is still there.
  """
  replace_bytes(path, text.encode())


def replace_bytes(path: Path, data: bytes) -> None:
  """Write a file of bytes; see `replace`."""
  if not hosts.is_primary():
    return
  if places.is_stored(path):
    path.write_bytes(data)  # an object is whole or not there
    return
  temporary = path.with_name(path.name + ".tmp")
  with clear_errors(path):
    try:
      with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
      temporary.replace(path)
    except BaseException:
      temporary.unlink(missing_ok=True)
      raise


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
      do="Fix that and start the same command again: the run resumes from "
      "its last checkpoint.",
    )
    raise OSError(error.errno or 0, text) from error
