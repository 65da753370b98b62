import math

import pytest

from jtr_jax.core import fields


@pytest.mark.parametrize(
  ("bound", "inside", "outside", "text"),
  [
    (fields.POSITIVE, [1e-9, 3, math.inf], [0, -1], "more than 0"),
    (fields.NOT_NEGATIVE, [0, 3], [-1e-9], "at least 0"),
    (fields.FRACTION, [0, 0.5, 1], [-0.1, 1.1], "at least 0 and at most 1"),
    (fields.INNER_FRACTION, [0.5], [0, 1], "more than 0 and less than 1"),
    (fields.FACTOR, [1, 0.1], [0, 1.1], "more than 0 and at most 1"),
  ],
)
def test_bounds_hold_and_say_what_they_are(bound, inside, outside, text):
  assert all(map(bound.holds, inside))
  assert not any(map(bound.holds, outside))
  assert not bound.holds(math.nan)
  assert str(bound) == text
