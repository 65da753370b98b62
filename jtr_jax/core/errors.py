"""Error messages with one shape: what is wrong, found, expected, what to do."""

import difflib
import errno
from collections.abc import Iterable, Mapping

_NOTHING_NEAR = "Use one of the known names."
_FOUND, _EXPECTED = ". Found: ", ". Expected: "

_OF_SYSTEM: Mapping[int, tuple[str, str, str]] = {
  errno.ENOENT: (
    "A file or folder is missing",
    "one that exists",
    "Correct the path.",
  ),
  errno.EACCES: (
    "A file or folder may not be used",
    "the permission to read or write it",
    "Change its permissions, or choose another place.",
  ),
  errno.ENOSPC: (
    "The disk is full",
    "free space",
    "Free some space, then give the same command again.",
  ),
  errno.ENAMETOOLONG: (
    "A name is too long for the disk",
    "at most 255 bytes between two slashes",
    "Choose a shorter one.",
  ),
  errno.ENOTDIR: (
    "A file stands where a folder is needed",
    "a folder",
    "Correct the path, or move that file away.",
  ),
  errno.EISDIR: (
    "A folder stands where a file is needed",
    "a file",
    "Correct the path, or move that folder away.",
  ),
  errno.ELOOP: (
    "Links lead in a circle",
    "a link to a file or folder",
    "Delete or correct that link.",
  ),
}
_SAME = {
  errno.EPERM: errno.EACCES,
  errno.EROFS: errno.EACCES,
  errno.EDQUOT: errno.ENOSPC,
}
_OTHER = (
  "A file or folder cannot be used",
  "a place that can be read and written",
  "Correct the path, or choose another place.",
)


def message(what: str, *, found: object, expected: object, do: str) -> str:
  """Return an error text in the form that the whole project uses.

  Args:
    what: what is wrong, in one sentence, without a full stop.
    found: the offending value or its description.
    expected: what would have been right.
    do: what the reader can do about it.

  Returns:
    One text, four short sentences.
  """
  return f"{what}{_FOUND}{found}{_EXPECTED}{expected}. {do}"


def is_message(text: str) -> bool:
  """Return whether a text has the form of `message`."""
  return _FOUND in text and _EXPECTED in text


def of_system(error: OSError) -> str:
  """Return what to tell of an error of the operating system.

  Args:
    error: as raised; if its text has the form of `message`, that is kept.
  """
  if is_message(str(error)):
    return str(error)
  number = error.errno or 0
  what, expected, do = _OF_SYSTEM.get(_SAME.get(number, number), _OTHER)
  places = [str(p) for p in (error.filename, error.filename2) if p is not None]
  why = error.strerror or str(error) or type(error).__name__
  found = ": ".join([*[" and ".join(places)][: len(places)], why])
  return message(what, found=found, expected=expected, do=do)


def unknown_name(
  kind: str, name: str, known: Iterable[str], *, near: str | None = None
) -> ValueError:
  """Return a `ValueError` for a name that is not in a table.

  Args:
    kind: what the name should have been, such as "task" or "method".
    name: the name that was asked for.
    known: every name that exists.
    near: the one that is meant; the one spelt most alike if None.

  Returns:
    The error (not raised), naming the nearest known name if there is one.
  """
  names = sorted(known)
  found = near or nearest(name, names)
  hint = f"Did you mean {found!r}?" if found else _NOTHING_NEAR
  return ValueError(
    message(
      f"Unknown {kind}",
      found=repr(name),
      expected="one of " + ", ".join(names),
      do=hint,
    )
  )


def nearest(name: str, names: Iterable[str]) -> str | None:
  """Return the name that is spelt most alike, whatever the case."""
  lower = {other.lower(): other for other in names}
  found = difflib.get_close_matches(name.lower(), lower, n=1)
  return lower[found[0]] if found else None
