"""Recomputed numbers beside recorded ones, and their differences."""

import dataclasses
from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors


class RecordError(ValueError):
  """A recording lacks an array, or holds one that cannot be used."""


class Recording(Mapping[str, np.ndarray]):
  """The arrays of a file; an absent one is a clear error."""

  def __init__(self, arrays: Mapping[str, np.ndarray]):
    self._arrays = dict(arrays)

  def __getitem__(self, name: str) -> np.ndarray:
    if name not in self._arrays:
      raise RecordError(
        errors.message(
          "Missing quantity",
          found=f"no array {name!r}",
          expected="every array that the check of this kind needs",
          do="Use a complete recording.",
        )
      )
    return self._arrays[name]

  def __contains__(self, name: object) -> bool:
    return name in self._arrays

  def __iter__(self) -> Iterator[str]:
    return iter(self._arrays)

  def __len__(self) -> int:
    return len(self._arrays)


def unusable(name: str, *, found: object, expected: object) -> RecordError:
  """Return the error (not raised) for a recorded array of the wrong shape."""
  return RecordError(
    errors.message(
      f"Array {name!r} has the wrong shape",
      found=found,
      expected=expected,
      do="Use an undamaged recording.",
    )
  )


@dataclasses.dataclass(frozen=True, eq=False)
class Quantity:
  """A recorded array and the recomputed one.

  Attributes:
    name: what it is; the array's name in the recording.
    expected: the record; NaN entries are not compared.
    actual: the recomputed array, of the same shape.
    tolerance: the largest error that passes.
    floor: smallest scale that errors are divided by, so that an array of
      rounding noise is not compared with itself.
  """

  name: str
  expected: np.ndarray
  actual: np.ndarray
  tolerance: float
  floor: float = 1e-12

  @property
  def error(self) -> float:
    """The error, max |actual - expected| / max(max |expected|, floor).

    Infinite if the shapes differ or a compared number is not finite.
    """
    expected = np.asarray(self.expected, np.float64)
    actual = np.asarray(self.actual, np.float64)
    if expected.shape != actual.shape:
      return np.inf
    compared = ~np.isnan(expected)
    expected, actual = expected[compared], actual[compared]
    if not (np.all(np.isfinite(actual)) and np.all(np.isfinite(expected))):
      return np.inf
    if expected.size == 0:
      return 0.0
    scale = max(float(np.max(np.abs(expected))), self.floor)
    return float(np.max(np.abs(actual - expected))) / scale

  @property
  def passed(self) -> bool:
    """Whether the error is within the tolerance."""
    return self.error <= self.tolerance


def recomputed(
  recording: Recording,
  name: str,
  quantity: str,
  found: Mapping[str, jax.Array],
) -> Quantity:
  """Return a recorded array beside the number of that name among others.

  Args:
    recording: the recording.
    name: of the array in it.
    quantity: key of the recomputed one.
    found: everything that was recomputed.

  Raises:
    RecordError: nothing of that name was recomputed, naming the nearest.
  """
  if quantity not in found:
    raise RecordError(
      str(errors.unknown_name("recorded quantity", name, found))
    )
  return Quantity(
    name, recording[name], np.asarray(found[quantity]), numeric_tolerance()
  )


def numeric_tolerance() -> float:
  """Return 1e-5 where JAX computes in float64 (JAX_ENABLE_X64=1), else 1e-4."""
  return 1e-5 if jnp.arange(1.0).dtype == jnp.float64 else 1e-4
