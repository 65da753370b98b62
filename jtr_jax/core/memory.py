"""Refuses what memory cannot hold before anybody tries to allocate it."""

import functools
import os
from pathlib import Path

from jtr_jax.core import errors

_LIMITS = (  # of a container; version 2 and 1
  Path("/sys/fs/cgroup/memory.max"),
  Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@functools.cache
def total() -> int:
  """Return the bytes of memory that this process could use at most.

  That of the machine, or of the container that it runs in. Swap is left out.
  """
  sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
  for path in _LIMITS:
    text = path.read_text().strip() if path.is_file() else ""
    sizes += [int(text)] if text.isdecimal() else []
  return min(sizes)


def require(
  needed: int, what: str, *, do: str, available: int | None = None
) -> None:
  """Raise a `ValueError` if something would not fit into memory.

  Args:
    needed: bytes, a lower bound.
    what: what takes them, such as "A batch of 8 images".
    do: what the reader can change.
    available: bytes that there are; `total()` if None.
  """
  there = total() if available is None else available
  if needed <= there:
    return
  raise ValueError(
    errors.message(
      f"{what} would not fit into memory",
      found=f"at least {in_words(needed)} needed",
      expected=f"at most {in_words(there)}",
      do=do,
    )
  )


def in_words(size: int) -> str:
  """Return bytes as text, such as "1.5 GiB"."""
  unit, number = "MiB", size / 2**20
  for larger in ("GiB", "TiB", "PiB"):
    if number < 1024:
      break
    unit, number = larger, number / 1024
  return f"{number:,.1f} {unit}"
