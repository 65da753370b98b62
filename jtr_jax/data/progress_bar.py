"""Progress of slow loops: count, speed, remaining time."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import tqdm

from jtr_jax.core import hosts

Item = TypeVar("Item")

_SECONDS_BETWEEN_LINES = 30.0  # in a log file, where every update is a line


def progress(
  items: Iterable[Item], *, total: int, what: str, unit: str = "image"
) -> Iterator[Item]:
  """Yield `items` while a bar on standard error shows rate and time left.

  Args:
    items: what to go through.
    total: how many there will be.
    what: the text before the bar.
    unit: what one item is.

  Yields:
    The items.
  """
  interval = 0.2 if sys.stderr.isatty() else _SECONDS_BETWEEN_LINES
  yield from tqdm.tqdm(
    items,
    total=total,
    desc=what,
    unit=unit,
    mininterval=interval,
    disable=not hosts.is_primary(),
  )
