"""Files that grow at their end, and objects of a store that seem to."""

import io
import os
from pathlib import Path
from typing import Protocol

from jtr_jax.core import places
from jtr_jax.workdir import text_files


class Appended(Protocol):
  """A file that grows."""

  def write(self, data: bytes, /) -> int:
    """Add bytes, and return how many were taken."""

  def sync(self) -> None:
    """Bring everything written so far to the disk, or to the store."""

  def close(self) -> None:
    """Let go of the file."""


def open_at_end(path: Path) -> Appended:
  """Open a file to add to it.

  Args:
    path: on a disk, or in a store.

  Raises:
    OSError: it cannot be written.
  """
  with text_files.clear_errors(path):
    return _Stored(path) if places.is_stored(path) else _OnDisk(path, "ab")


class _OnDisk(io.FileIO):
  """A file whose bytes are with the operating system at once."""

  def sync(self) -> None:
    """Bring everything to the disk."""
    os.fsync(self.fileno())


class _Stored:
  """An object that is written anew as a whole."""

  def __init__(self, path: Path):
    self._path = path
    self._content = path.read_bytes() if path.exists() else b""
    self._is_changed = False

  def write(self, data: bytes, /) -> int:
    """Add bytes; they are in the store after `sync`."""
    self._content += data
    self._is_changed = True
    return len(data)

  def sync(self) -> None:
    """Write the object, if it has grown."""
    if self._is_changed:
      text_files.replace_bytes(self._path, self._content)
    self._is_changed = False

  def close(self) -> None:
    """Write what has not been written."""
    self.sync()
