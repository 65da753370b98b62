"""Paths on the disks of a machine, and in stores such as gs://BUCKET/PATH.

A store has objects and no folders: an object is written as a whole or not at
all, and can neither be appended to nor be renamed.
"""

import fnmatch
import importlib
import os
from collections.abc import Iterator
from pathlib import Path

from jtr_jax.core import extras


def place(path: str | os.PathLike[str]) -> Path:
  """Return a path, which for a store is that of `etils.epath`.

  Args:
    path: with the scheme of a store, or of a disk.

  Returns:
    An object with the methods of `pathlib.Path` that this program uses.

  Raises:
    ValueError: what the store needs is not installed.
  """
  text = os.fspath(path)
  if "://" not in text:
    return Path(path)
  with extras.required("gcs"):
    import fsspec
    from etils import epath

    if text.startswith("gs://"):
      importlib.import_module("gcsfs")
  # Arrays are written by another library, which no cache here would notice.
  fsspec.config.conf.setdefault("gcs", {})["use_listings_cache"] = False
  found: Path = epath.Path(text)
  return found


def is_stored(path: Path) -> bool:
  """Return whether a path is in a store, and not on a disk."""
  return "://" in os.fspath(path)


def files_below(folder: Path) -> list[Path]:
  """Return all files below a folder, in order."""
  return [path for path in below(folder) if path.is_file()]


def below(folder: Path, name: str = "*") -> list[Path]:
  """Return what is below a folder, at any depth and in order.

  Args:
    folder: on a disk or in a store.
    name: of files or folders, with * and ? for parts of it.
  """
  if not is_stored(folder):
    return sorted(folder.rglob(name))
  return sorted(_below(folder, name)) if folder.is_dir() else []


def _below(folder: Path, name: str) -> Iterator[Path]:
  """Yield what is below a folder of a store, which has no recursive glob."""
  for path in folder.iterdir():
    if fnmatch.fnmatchcase(path.name, name):
      yield path
    if path.is_dir():
      yield from _below(path, name)
