"""Smoothed weights against a moving average in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing
from jtr_jax.balancing import registry


def draw(seed):
  return np.random.default_rng(seed).normal(size=(2, 6)) + 0.3


def shortest(rows):
  """The weights of MGDA for two tasks, in closed form."""
  a, b = rows
  share = np.clip((b - a) @ b / ((a - b) @ (a - b)), 0, 1)
  return np.array([share, 1 - share])


def test_weights_are_a_moving_average():
  balancer = balancing.cr_mogm(balancing.mgda(2), ema_decay=0.8)
  state, average = balancer.init(jnp.zeros(6)), shortest(draw(0))
  for seed in range(5):
    rows = draw(seed)
    average = 0.8 * average + 0.2 * shortest(rows)
    direction, state = balancer.update(jnp.asarray(rows, jnp.float32), state)
    np.testing.assert_allclose(state.weights, average, atol=1e-6)
    np.testing.assert_allclose(direction, average @ rows, atol=1e-5)


def test_an_absent_task_keeps_its_average():
  balancer = balancing.cr_mogm(balancing.sum(3), ema_decay=0.5)
  rows = jnp.ones((3, 4))
  state = balancer.init(jnp.zeros(4))
  _, state = balancer.update(rows, state)
  _, state = balancer.update(
    rows, state, present=jnp.array([True, False, True])
  )
  np.testing.assert_array_equal(state.weights, [1, 0, 1])
  np.testing.assert_array_equal(state.rule.shared, [1, 1, 1])


@pytest.mark.parametrize("name", sorted(registry.GRADIENT))
def test_around_every_balancer_with_weights(name):
  inner = registry.GRADIENT[name](2)
  if inner.weigh_gram is None:
    with pytest.raises(ValueError, match=f"'{name}' cannot be smoothed"):
      balancing.cr_mogm(inner)
    return
  smoothed = balancing.cr_mogm(inner, ema_decay=0.0)
  gradients = jnp.asarray(draw(0), jnp.float32)
  extra = {
    "losses": jnp.ones(2),
    "sigma": jnp.ones(2),
    "influence": jnp.ones(2),
    "key": jax.random.key(0),
  }
  expected, before = inner.update(gradients, inner.init(()), **extra)
  found, after = smoothed.update(gradients, smoothed.init(()), **extra)
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  np.testing.assert_allclose(
    smoothed.decoder_weights(after), inner.decoder_weights(before), rtol=1e-6
  )
  weights, _ = smoothed.weigh(balancing.gram(gradients), **extra)
  np.testing.assert_allclose(weights, before.weights, rtol=1e-5)
  assert smoothed.scopes == inner.scopes
