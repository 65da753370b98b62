import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.train import averaging
from jtr_jax.train.averaging import AVERAGE, Averaging

PARAMS = {
  "encoder": {"kernel": jnp.array([1.0, 2.0])},
  "method": {"kernel": jnp.array(5.0)},
  "balancer": {"log_sigma": jnp.array(7.0)},
}
STATE = {
  "encoder": {"mean": jnp.array(3.0)},
  "method": {"mean": jnp.array(4.0)},
}


def shifted(tree, by):
  return jax.tree.map(lambda x: x + by, tree)


def test_without_averages_everything_is_as_it_was():
  off = Averaging()
  assert off.start(PARAMS, STATE) is STATE
  after = off.advance(STATE, PARAMS, STATE, jnp.array(3))
  assert after is STATE
  assert averaging.to_evaluate(PARAMS, STATE) == (PARAMS, STATE)


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.999])
def test_averages_are_those_of_the_formula(decay):
  settings = Averaging(decay)
  state = settings.start(PARAMS, STATE)
  expected, statistics = np.array([1.0, 2.0]), 3.0
  for step in range(40):
    params, model = shifted(PARAMS, step**0.5), shifted(STATE, -step)
    state = settings.advance(state, params, model, jnp.array(step))
    kept = min(decay, (1 + step) / (10 + step))
    new = np.array([1.0, 2.0]) + step**0.5
    expected = kept * expected + (1 - kept) * new
    statistics = kept * statistics + (1 - kept) * (3.0 - step)
  found, found_state = averaging.to_evaluate(params, state)
  np.testing.assert_allclose(found["encoder"]["kernel"], expected, rtol=1e-5)
  np.testing.assert_allclose(
    found_state["encoder"]["mean"], statistics, rtol=1e-5
  )


def test_method_and_balancer_are_not_averaged():
  settings = Averaging(0.9)
  state = settings.start(PARAMS, STATE)
  assert set(state[AVERAGE]["params"]) == {"encoder"}
  assert set(state[AVERAGE]["statistics"]) == {"encoder"}
  moved = shifted(PARAMS, 1.0)
  state = settings.advance(state, moved, STATE, jnp.array(0))
  params, model_state = averaging.to_evaluate(moved, state)
  assert params["method"] is moved["method"]
  assert params["balancer"] is moved["balancer"]
  assert model_state["method"] is STATE["method"]


def test_accumulated_gradients_count_once():
  """Two steps make an update; the parameters change with the second."""
  settings, plain = Averaging(0.9, every=2), Averaging(0.9)
  first = shifted(PARAMS, 1.0)
  state = settings.start(PARAMS, STATE)
  same = settings.advance(state, PARAMS, STATE, jnp.array(0))
  chex.assert_trees_all_equal(same, state)
  state = settings.advance(same, first, STATE, jnp.array(1))
  once = plain.start(PARAMS, STATE)
  once = plain.advance(once, first, STATE, jnp.array(0))
  chex.assert_trees_all_equal(state, once)
