"""Annotations of a setting beside its type: bounds, unit and source.

The signature of a function or dataclass is the schema of the settings that a
config may give it:

  def consistency(tasks, *, weight: Annotated[float, NOT_NEGATIVE] = 1.0): ...
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Bound:
  """An interval for a number, or for every number of a tuple.

  Attributes:
    low: lower end.
    high: upper end.
    open_low: whether `low` itself is left out.
    open_high: whether `high` itself is left out.
  """

  low: float = -math.inf
  high: float = math.inf
  open_low: bool = False
  open_high: bool = False

  def holds(self, number: float) -> bool:
    """Return whether a number lies in the interval."""
    above = number > self.low if self.open_low else number >= self.low
    below = number < self.high if self.open_high else number <= self.high
    return above and below

  def __str__(self) -> str:
    """Return the interval in words, such as "more than 0 and at most 1"."""
    words = []
    if self.low > -math.inf:
      start = "more than" if self.open_low else "at least"
      words.append(f"{start} {_digits(self.low)}")
    if self.high < math.inf:
      end = "less than" if self.open_high else "at most"
      words.append(f"{end} {_digits(self.high)}")
    return " and ".join(words)


def _digits(number: float) -> str:
  """Return a number in full if it is whole, else in six digits."""
  whole = float(number).is_integer() and abs(number) < 2**53
  return str(int(number)) if whole else f"{number:g}"


class Unit(str):
  """The unit of a setting, such as "epochs"."""

  __slots__ = ()


class Source(str):
  """Where the default of a setting comes from, such as a paper's section."""

  __slots__ = ()


class NotEmpty:
  """Marks a tuple that needs an element."""


POSITIVE = Bound(low=0, open_low=True)
NOT_NEGATIVE = Bound(low=0)
FRACTION = Bound(low=0, high=1)
INNER_FRACTION = Bound(low=0, high=1, open_low=True, open_high=True)
FACTOR = Bound(low=0, high=1, open_low=True)
DECAY = Bound(low=0, high=1, open_high=True)
LARGEST_INT = 2**31 - 1
"""The largest whole number of a setting without a bound of its own: devices
count in 32 bits."""
LARGEST_FLOAT = 3e38
"""The largest other number: beyond it float32 is infinite."""
SEED = Bound(low=0, high=2**32 - 1)
BATCH = Bound(low=1, high=2**16)
PER_BATCH = Bound(low=0, high=2**16)
CHANNELS = Bound(low=1, high=2**14)
SIDE = Bound(low=0, high=2**15)
NOT_EMPTY = NotEmpty()
