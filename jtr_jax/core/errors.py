"""Error messages with one shape: what is wrong, found, expected, what to do."""

import difflib
from collections.abc import Iterable

_NOTHING_NEAR = "Use one of the known names."


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
  return f"{what}. Found: {found}. Expected: {expected}. {do}"


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
  found = near or _alike(name, names)
  hint = f"Did you mean {found!r}?" if found else _NOTHING_NEAR
  return ValueError(
    message(
      f"Unknown {kind}",
      found=repr(name),
      expected="one of " + ", ".join(names),
      do=hint,
    )
  )


def _alike(name: str, names: Iterable[str]) -> str | None:
  """Return the name that is spelt most alike, whatever the case."""
  lower = {other.lower(): other for other in names}
  found = difflib.get_close_matches(name.lower(), lower, n=1)
  return lower[found[0]] if found else None
