"""MoDo against float64, with another algorithm for the projection."""

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing

RATE, RHO = 0.2, 0.1


def projected(point):
  """The nearest point of the simplex, by bisection for the shift."""
  low, high = point.min() - 1, point.max()
  for _ in range(100):
    middle = (low + high) / 2
    if np.maximum(point - middle, 0).sum() > 1:
      low = middle
    else:
      high = middle
  return np.maximum(point - low, 0)


def draw(seed, tasks=4):
  return np.random.default_rng(seed).normal(size=(tasks, 30))


def balancer_of(tasks=4):
  return balancing.modo(tasks, step_size=RATE, regularization=RHO)


def test_weights_descend_with_products_of_two_batches():
  balancer = balancer_of()
  state, weights = balancer.init(jnp.zeros(30)), np.full(4, 0.25)
  for step in range(6):
    first, second = draw(2 * step), draw(2 * step + 1)
    direction, state = balancer.update(
      jnp.asarray(first, jnp.float32),
      state,
      second=jnp.asarray(second, jnp.float32),
    )
    np.testing.assert_allclose(direction, weights @ first, atol=2e-5)
    slope = first @ second.T @ weights + RHO * weights
    weights = projected(weights - RATE * slope)
    np.testing.assert_allclose(state.rule, weights, atol=1e-5)
  assert np.any(weights == 0)  # the projection did something


def test_one_batch_twice_finds_the_shortest_combination():
  gradients = jnp.asarray(draw(0), jnp.float32)
  balancer = balancing.modo(4, step_size=0.01, regularization=0.0)
  state = balancer.init(jnp.zeros(30))
  for _ in range(300):
    _, state = balancer.update(gradients, state, second=gradients)
  mgda = balancing.mgda(4)
  _, expected = mgda.update(gradients, mgda.init(jnp.zeros(30)))
  np.testing.assert_allclose(state.rule, expected.weights, atol=1e-3)


def test_tasks_that_a_batch_lacks_keep_their_weight():
  balancer = balancer_of()
  first, second = draw(0), draw(1)
  first[1], second[2] = np.nan, np.nan
  direction, state = balancer.update(
    jnp.asarray(first, jnp.float32),
    balancer.init(jnp.zeros(30)),
    second=jnp.asarray(second, jnp.float32),
    present=jnp.array([True, False, True, True]),
    second_present=jnp.array([True, True, False, True]),
  )
  np.testing.assert_allclose(direction, first[[0, 2, 3]].mean(0), atol=1e-6)
  np.testing.assert_allclose(state.rule[1:3], 0.25)
  shares = np.array([0.5, 0.5])
  products = first[[0, 3]] @ second[[0, 3]].T
  moved = projected(shares - RATE * (products @ shares + RHO * shares))
  np.testing.assert_allclose(
    state.rule[jnp.array([0, 3])], moved / 2, atol=1e-6
  )


def test_gradients_of_a_second_batch_are_needed():
  balancer, gradients = balancer_of(), jnp.asarray(draw(0), jnp.float32)
  state = balancer.init(jnp.zeros(30))
  with pytest.raises(ValueError, match="the argument `second`"):
    balancer.update(gradients, state)
  with pytest.raises(ValueError, match="leading axis of 4 tasks"):
    balancer.update(gradients, state, second=gradients[:3])
