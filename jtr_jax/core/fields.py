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
      words.append(
        f"{'more than' if self.open_low else 'at least'} {self.low:g}"
      )
    if self.high < math.inf:
      end = "less than" if self.open_high else "at most"
      words.append(f"{end} {self.high:g}")
    return " and ".join(words)


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
NOT_EMPTY = NotEmpty()
