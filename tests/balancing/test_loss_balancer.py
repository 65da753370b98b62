import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing

LOSSES = jnp.array([0.5, 2.0, jnp.nan])
PRESENT = jnp.array([True, True, False])


def test_weights_are_the_derivatives_of_the_objective():
  balancer = balancing.uw(3)
  params, state = balancer.init()
  objective, weights, gradients = balancer.weigh(
    params, state, LOSSES, present=PRESENT
  )
  variance = jnp.exp(params["log_variance"])
  expected = jnp.where(PRESENT, 1 / (2 * variance), 0)
  np.testing.assert_allclose(weights, expected, rtol=1e-6)
  assert jnp.isfinite(objective)
  assert gradients["log_variance"][2] == 0


def test_a_balancer_that_samples_wants_a_key():
  balancer = balancing.rlw(3)
  params, state = balancer.init()
  with pytest.raises(ValueError, match="'rlw' samples its weights"):
    balancer.weigh(params, state, LOSSES, present=PRESENT)
  key = jax.random.key(3)
  weights = balancer.weigh(
    params, state, LOSSES, present=PRESENT, key=key
  ).weights
  np.testing.assert_allclose(weights.sum(), 1, rtol=1e-6)


@pytest.mark.parametrize(
  ("name", "missing"),
  [
    ("famo", "later_losses"),
    ("gradnorm", "norms, cosines"),
    ("auto_lambda", "influence"),
  ],
)
def test_what_a_balancer_observes_may_not_be_left_out(name, missing):
  balancer = balancing.get(name, 3)
  _, state = balancer.init()
  with pytest.raises(ValueError, match=f"Expected: {missing}"):
    balancer.update(state, jnp.ones(3), step=0)


def test_famo_follows_later_losses():
  balancer = balancing.famo(2)
  params, state = balancer.init()
  losses = jnp.array([1.0, 1.0])
  state = balancer.update(
    state, losses, step=0, later_losses=jnp.array([0.5, 1.0])
  )
  weights = balancer.weigh(params, state, losses).weights
  assert weights[1] > weights[0]  # the second one improved less
