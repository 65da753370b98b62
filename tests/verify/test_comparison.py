import numpy as np
import pytest

from jtr_jax.verify.comparison import Quantity, RecordError, Recording


def quantity(expected, actual, tolerance=1e-4, floor=1e-12):
  return Quantity(
    "x", np.asarray(expected), np.asarray(actual), tolerance, floor
  )


def test_error_is_relative_to_the_largest_expected():
  assert quantity([1.0, -4.0], [1.2, -4.0]).error == pytest.approx(0.05)


def test_floor_keeps_noise_from_being_compared_with_itself():
  assert quantity([1e-9], [3e-9]).error == pytest.approx(2)
  assert quantity([1e-9], [3e-9], floor=1.0).passed


def test_nan_in_the_record_is_not_compared():
  assert quantity([np.nan, 2.0], [7.0, 2.0]).passed
  assert quantity([np.nan], [np.nan]).passed


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_fails(bad):
  assert not quantity([1.0, 2.0], [1.0, bad]).passed
  assert not quantity([1.0, np.inf], [1.0, bad]).passed


def test_shapes_must_agree():
  assert not quantity([1.0], [[1.0]]).passed
  assert not quantity([], [1.0]).passed


def test_a_missing_array_is_named():
  with pytest.raises(RecordError, match="loss/total"):
    Recording({})["loss/total"]
