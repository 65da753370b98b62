"""AuxiNash against a general solver, and differences, in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from jtr_jax import balancing
from jtr_jax.balancing.gramian import gram
from jtr_jax.balancing.solvers.alpha_fair import equilibrium

K, RATE = 3, 0.05
ROWS = np.random.default_rng(0).normal(size=(K, 20))
INFLUENCE = np.array([6.0, -2.0, 5.0])


def solved(preference, rows=ROWS):
  """w > 0 with (G w)_k = p_k / w_k, by a root search in log w."""
  products = rows @ rows.T
  found = optimize.root(
    lambda log: np.exp(log) * (products @ np.exp(log)) - preference,
    -0.5 * np.log(np.diagonal(products)),
    tol=1e-13,
  )
  assert found.success
  return np.exp(found.x)


def slope(preference, rows=ROWS, size=1e-5):
  """dw/dp [K, K], by differences."""
  steps = size * np.eye(len(preference))
  return np.stack(
    [
      (solved(preference + s, rows) - solved(preference - s, rows)) / (2 * size)
      for s in steps
    ],
    axis=1,
  )


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e12])
def test_directional_derivatives_are_shares_of_inverse_weights(scale):
  preference = np.array([0.2, 1.0, 1.8])
  rows = scale * ROWS * np.array([[1.0], [30.0], [0.1]])
  weights = equilibrium(
    gram(jnp.asarray(rows, jnp.float32)),
    preference=jnp.asarray(preference, jnp.float32),
  )
  found = np.asarray(weights, np.float64)
  np.testing.assert_allclose(
    found * scale, solved(preference, rows / scale), rtol=1e-4
  )


def test_a_fairness_other_than_one_and_preferences():
  preference = np.array([0.2, 1.0, 1.8])
  found = equilibrium(
    gram(jnp.asarray(ROWS, jnp.float32)),
    0.5,
    jnp.asarray(preference, jnp.float32),
  )
  weights = np.asarray(found, np.float64)
  np.testing.assert_allclose(
    ROWS @ ROWS.T @ weights, preference * weights**-0.5, rtol=1e-4
  )


def test_preferences_follow_the_influence_of_the_weights():
  balancer = balancing.auxi_nash(
    K, learn_every=2, learning_rate=RATE, momentum=0.9, max_norm=0.0
  )
  state = balancer.init(jnp.zeros(20))
  preference, velocity = np.ones(K), np.zeros(K)
  for step in range(6):
    if step in (2, 4):
      gradient = -INFLUENCE @ slope(preference)
      velocity = 0.9 * velocity + gradient / max(1, np.linalg.norm(gradient))
      preference = np.maximum(preference - RATE * velocity, 1e-4)
      preference *= K / preference.sum()
    direction, state = balancer.update(
      jnp.asarray(ROWS, jnp.float32),
      state,
      influence=jnp.asarray(INFLUENCE, jnp.float32),
    )
    np.testing.assert_allclose(state.rule.preference, preference, rtol=1e-4)
    np.testing.assert_allclose(state.weights, solved(preference), rtol=1e-3)
    np.testing.assert_allclose(direction, solved(preference) @ ROWS, atol=1e-3)
  assert abs(preference[0] - 1) > 0.01


def test_preferences_of_tasks_without_a_gradient_stay():
  balancer = balancing.auxi_nash(K, learn_every=1, preference=(1.0, 2.0, 3.0))
  state, rows = balancer.init(jnp.zeros(20)), jnp.asarray(ROWS, jnp.float32)
  present = jnp.array([True, False, True])
  for _ in range(2):
    _, state = balancer.update(
      rows.at[1].set(jnp.nan),
      state,
      present=present,
      influence=jnp.asarray(INFLUENCE, jnp.float32),
    )
  first, second, third = np.asarray(state.rule.preference)
  np.testing.assert_allclose(
    [first + second + third, second], [3, 1], rtol=1e-2
  )
  assert abs(first / third - 1 / 3) > 1e-4
  weights = solved(np.array([first, third]) * 2 / (first + third), ROWS[[0, 2]])
  np.testing.assert_allclose(
    balancer.decoder_weights(state), [weights[0], 0, weights[1]], rtol=1e-3
  )


def test_nothing_is_learned_without_an_influence():
  balancer = balancing.auxi_nash(K, learn_every=1)
  state, rows = balancer.init(jnp.zeros(20)), jnp.asarray(ROWS, jnp.float32)
  for _ in range(3):
    _, state = balancer.update(rows, state, influence=jnp.zeros(K))
  np.testing.assert_array_equal(state.rule.preference, 1)
  with pytest.raises(ValueError, match="the argument `influence`"):
    balancer.update(rows, state)
