"""LDC-MTL against a computation in float64, derivatives by differences."""

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing

FIRST, LOSSES = np.array([2.0, 0.5, 1.0]), np.array([1.4, 0.45, 0.3])
ROUTER = np.array([0.6, -0.4, 0.1])
RELEASED = {  # (normalization, discrepancy) of NYUv2, CelebA and Cityscapes
  "nyu": ("initial", "weighted"),
  "celeba": ("none", "weighted"),
  "cityscapes": ("none", "plain"),
}


def objective(router, losses, kind, present=(0, 1, 2)):
  normalization, discrepancy = RELEASED[kind]
  present = list(present)
  shares = np.exp(router[present]) / np.exp(router[present]).sum()
  shares = np.clip(shares, 0.2, 0.8)
  scaled = losses[present]
  if normalization == "initial":
    scaled = scaled / (FIRST / FIRST.min())[present]
  compared = shares * scaled if discrepancy == "weighted" else scaled
  mean = shares @ scaled / shares.sum()
  return mean + 0.05 * np.abs(np.diff(compared)).sum()


def derivative(function, point):
  steps = 1e-6 * np.eye(len(point))
  return np.array(
    [(function(point + s) - function(point - s)) / 2e-6 for s in steps]
  )


def made(kind):
  normalization, discrepancy = RELEASED[kind]
  balancer = balancing.ldc_mtl(
    3, normalization=normalization, discrepancy=discrepancy
  )
  state = balancer.update(
    balancer.init()[1], jnp.asarray(FIRST, jnp.float32), step=0
  )
  return balancer, {"router": jnp.asarray(ROUTER, jnp.float32)}, state


@pytest.mark.parametrize("kind", RELEASED)
def test_objective_weights_and_what_trains_the_router(kind):
  balancer, params, state = made(kind)
  value, weights, gradients = balancer.weigh(
    params, state, jnp.asarray(LOSSES, jnp.float32)
  )
  np.testing.assert_allclose(value, objective(ROUTER, LOSSES, kind), rtol=1e-6)
  expected = derivative(lambda x: objective(ROUTER, x, kind), LOSSES)
  np.testing.assert_allclose(weights, expected, rtol=1e-5)
  expected = derivative(lambda x: objective(x, LOSSES, kind), ROUTER)
  np.testing.assert_allclose(gradients["router"], expected, atol=1e-6)


def test_the_neighbours_of_an_absent_task_are_compared():
  balancer, params, state = made("nyu")
  present = jnp.array([True, False, True])
  found = balancer.weigh(
    params, state, jnp.asarray(LOSSES, jnp.float32), present=present
  )
  expected = objective(ROUTER, LOSSES, "nyu", present=(0, 2))
  np.testing.assert_allclose(found.objective, expected, rtol=1e-6)
  assert found.weights[1] == found.gradients["router"][1] == 0


def test_first_losses_are_kept_and_count_in_their_own_step():
  balancer, params, state = made("nyu")
  losses = jnp.asarray(FIRST, jnp.float32)
  start = balancer.init()[1]
  first = balancer.weigh(params, start, losses)
  np.testing.assert_allclose(
    first.objective, objective(ROUTER, FIRST, "nyu"), rtol=1e-6
  )
  np.testing.assert_array_equal(
    balancer.update(state, 3 * losses, step=1), state
  )


def test_unknown_names():
  with pytest.raises(ValueError, match="Did you mean 'initial'"):
    balancing.ldc_mtl(3, normalization="inital")
