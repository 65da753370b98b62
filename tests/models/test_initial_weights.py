import numpy as np
import pytest

from jtr_jax.models.initial_weights import NO_WEIGHTS, InitialWeights, merged

PARAMS = {"encoder": {"a": {"kernel": 1, "bias": 2}}, "decoder_depth": {"b": 3}}
STATE = {"encoder": {"a": {"mean": 4}}, "decoder_depth": {}}


def test_given_leaves_take_the_place_of_others():
  given = InitialWeights({"encoder": {"a": {"kernel": 9}}}, {})
  params, state = given.over(PARAMS, STATE)
  assert params == {
    "encoder": {"a": {"kernel": 9, "bias": 2}},
    "decoder_depth": {"b": 3},
  }
  assert state == STATE
  assert PARAMS["encoder"]["a"]["kernel"] == 1


def test_nothing_given_changes_nothing():
  assert NO_WEIGHTS.over(PARAMS, STATE) == (PARAMS, STATE)


def test_a_path_that_is_not_there_is_an_error():
  with pytest.raises(KeyError, match="c"):
    merged(PARAMS, {"encoder": {"a": {"c": np.zeros(1)}}})
