"""Refuses paths that name no place on this machine's disks."""

import errno
import os
import re
from pathlib import Path

from jtr_jax.core import errors, places

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LONGEST = 255  # bytes of a name


def check(path: str | os.PathLike[str], what: str) -> Path:
  """Return a path that can be one on a local disk.

  Args:
    path: as given; nothing need be there.
    what: whose it is, such as "--workdir".

  Raises:
    ValueError: it is empty, a URL, begins with a tilde that no shell has
      expanded, or has a name that disks do not take.
  """
  text = os.fspath(path)
  if not text.strip():
    raise _unusable(what, "nothing", "Give the path of a file or folder.")
  if _SCHEME.match(text) or re.match(r"[a-z0-9]{2,}:/", text):
    do = "Copy it to a disk of this machine, or mount it, and give that path."
    raise _unusable(what, f"the URL {text!r}", do)
  if text.startswith("~"):
    do = f"Write {Path.home()}{text[1:]}, or leave the quotes out."
    raise _unusable(what, f"{text!r}, which no shell has expanded", do)
  if "\0" in text or any(ord(letter) < 32 for letter in text):
    raise _unusable(what, f"{text!r}, with control characters", "Rename it.")
  names = [
    part for part in Path(text).parts if len(os.fsencode(part)) > _LONGEST
  ]
  if names:
    found = f"a name of {len(os.fsencode(names[0]))} bytes: {names[0][:40]}..."
    raise _unusable(what, found, f"Choose names of at most {_LONGEST} bytes.")
  return Path(text)


def check_folder(path: str | os.PathLike[str], what: str) -> Path:
  """Return the path of a folder that is there or can be made; see `check`."""
  folder = check(path, what)
  for place in (folder, *folder.parents):
    if place.is_dir():
      break
    if place.is_symlink() and not place.exists():
      do = "Delete or correct that link."
      raise _unusable(what, f"{place}, a link to nothing", do)
    if place.exists():
      do = "Choose another place, or move it away."
      raise _unusable(what, f"{place}, which is no folder", do)
  return folder


def workdir(path: str | os.PathLike[str], what: str) -> Path:
  """Return the path of a workdir, on a disk or in a store (gs://)."""
  text = os.fspath(path)
  return (
    places.place(text) if text.startswith("gs://") else check_folder(path, what)
  )


def check_output(path: str | os.PathLike[str], what: str) -> Path:
  """Return the path of a file that can be written; see `check`.

  Args:
    path: as given; a file that is there may be replaced.
    what: whose it is, such as "--json".

  Raises:
    ValueError: it is none, or a folder, or its folder is not there.
    OSError: its folder is read-only.
  """
  file = check(path, what)
  if file.is_dir():
    raise _unusable(what, f"{file}, a folder", "Name a file inside it.")
  if not file.parent.is_dir():
    found = f"{file}, whose folder is not there"
    raise _unusable(what, found, f"Make {file.parent} first.")
  if not os.access(file if file.exists() else file.parent, os.W_OK):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
  return file


def check_input(path: str | os.PathLike[str], what: str) -> Path:
  """Return the path of a file that is there and can be read; see `check`.

  Args:
    path: as given.
    what: whose it is, such as "config.data.split_file".

  Raises:
    ValueError: there is none, or it is a folder, pipe or device.
  """
  file = check(path, what)
  if file.is_symlink() and not file.exists():
    do = "Delete or correct that link."
    raise _unusable(what, f"{file}, a link to nothing", do)
  if not file.exists():
    raise _unusable(what, f"{file}, where nothing is", "Correct the path.")
  if not file.is_file():
    kind = "a folder" if file.is_dir() else "a pipe or device"
    raise _unusable(what, f"{file}, {kind}", "Give the path of a file.")
  return file


def _unusable(what: str, found: str, do: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{what} is no path that can be used here",
      found=found,
      expected="a file or folder on a disk of this machine",
      do=do,
    )
  )
