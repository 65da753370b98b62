"""Printed numbers: "36.86 ± 0.574", "+10.09", "8h 20m"."""

import re
from typing import NamedTuple

from jtr_jax.core import errors

_NUMBER = r"[+-]?\d+(?:\.(\d+))?"
_FORMS = re.compile(rf"(?P<value>{_NUMBER})(?: ± (?P<deviation>{_NUMBER}))?")
_DURATION = re.compile(r"(\d+)h (\d\d)m")


class Cell(NamedTuple):
  """A printed number.

  Attributes:
    text: as printed, without its unit; "" if there is none.
    value: the number; hours for a duration.
    deviation: what stands behind the sign ±.
    half: half a unit of the last printed digit, what rounding may hide.
  """

  text: str
  value: float | None = None
  deviation: float | None = None
  half: float = 0.0


NOTHING = Cell("")


def parse(text: str) -> Cell:
  """Return the number that a cell of a table holds.

  Args:
    text: "" for none, a number, a number and its deviation, or a duration in
      hours and minutes.

  Raises:
    ValueError: it is none of these.
  """
  if not text:
    return NOTHING
  duration = _DURATION.fullmatch(text)
  if duration:
    hours, minutes = map(int, duration.groups())
    return Cell(text, hours + minutes / 60, half=0.5 / 60)
  number = _FORMS.fullmatch(text)
  if not number:
    raise ValueError(
      errors.message(
        "A cell of a table cannot be read",
        found=repr(text),
        expected="a number, '1.23 ± 0.04', '8h 20m' or ''",
        do="Correct the table's file.",
      )
    )
  deviation = number["deviation"]
  return Cell(
    text,
    float(number["value"]),
    float(deviation) if deviation else None,
    0.5 * 10.0 ** -len(number[2] or ""),
  )
