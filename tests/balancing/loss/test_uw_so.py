import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing


@pytest.mark.parametrize("temperature", [0.5, 1.0, 20.0])
def test_weights_are_a_soft_max_of_inverse_losses(temperature):
  losses = np.array([0.5, 1.0, 4.0])
  powers = np.exp(1 / losses / temperature)
  balancer = balancing.uw_so(3, temperature=temperature)
  found = balancer.weigh(*balancer.init(), jnp.asarray(losses, jnp.float32))
  np.testing.assert_allclose(found.weights, powers / powers.sum(), rtol=1e-6)
  np.testing.assert_allclose(
    found.objective, powers @ losses / powers.sum(), rtol=1e-6
  )


def test_a_loss_of_zero_has_all_the_weight():
  balancer = balancing.uw_so(3)
  losses = jnp.array([0.0, 1e-3, 1.0])
  found = balancer.weigh(*balancer.init(), losses)
  np.testing.assert_array_equal(found.weights, [1, 0, 0])
