"""The fan-out against a Jacobian of the features and the balancer's update."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing
from jtr_jax.balancing import fan_out, registry

K = 3
INPUTS = jax.random.normal(jax.random.key(0), (6, 4))
TARGETS = jax.random.normal(jax.random.key(1), (K, 6))
PARAMS = {
  "encoder": jax.random.normal(jax.random.key(2), (4, 5)),
  "decoders": jax.random.normal(jax.random.key(3), (K, 5)),
}
PRESENT = jnp.array([True, False, True])
SIGMA = jnp.array([0.5, 0.7, 0.2])
ON_FEATURES = [
  n for n, b in registry.GRADIENT.items() if "features" in b(K).scopes
]


def encode(encoder):
  return jnp.tanh(INPUTS @ encoder)


def losses_of(decoders, copies):
  return jnp.stack(
    [
      jnp.mean(jnp.square(copies[k] @ decoders[k] - TARGETS[k]))
      for k in range(K)
    ]
  )


def weighted(losses):
  """An objective whose weights depend on the losses."""
  return jnp.sum(jnp.where(PRESENT, jnp.log(losses), 0))


def step(balancer, state, key=None, use_tag=True):
  """Return the gradients and the state after one pass through a fan-out."""
  fan = fan_out.make_fan_out(balancer, K)

  def objective(params, probe, state):
    copies, tag = fan(
      encode(params["encoder"]),
      probe,
      state,
      present=PRESENT,
      key=key,
      sigma=SIGMA,
    )
    losses = losses_of(params["decoders"], copies)
    return weighted(tag(losses) if use_tag else losses)

  gradients, seen = jax.jit(jax.grad(objective, argnums=(0, 1)))(
    PARAMS, fan_out.probe(state), state
  )
  return gradients, seen, fan_out.next_state(state, seen)


def direct(balancer, state, key=None):
  """Return the same from the Jacobian at the features."""
  z, pull_back = jax.vjp(encode, PARAMS["encoder"])
  losses = losses_of(PARAMS["decoders"], [z] * K)
  rows = jax.jacrev(lambda z: losses_of(PARAMS["decoders"], [z] * K))(z)
  if not balancer.unweighted:
    rows = rows * jnp.where(PRESENT, 1 / losses, 0)[:, None, None]
  direction, state = balancer.update(
    rows, state, present=PRESENT, losses=losses, key=key, sigma=SIGMA
  )
  return pull_back(direction)[0], state


@pytest.mark.parametrize("name", ON_FEATURES)
def test_equals_the_update_of_the_jacobian_and_advances_the_state(name):
  settings = {"ial": {"indicator": "norm"}, "mgda": {"normalization": "loss+"}}
  balancer = balancing.get(name, K, **settings.get(name, {}))
  state = expected_state = balancer.init(encode(PARAMS["encoder"]))
  for _ in range(2):
    gradients, seen, state = step(balancer, state)
    expected, expected_state = direct(balancer, expected_state)
    size = float(jnp.max(jnp.abs(expected)))
    np.testing.assert_allclose(gradients["encoder"], expected, atol=1e-4 * size)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, expected_state)
    chex.assert_trees_all_close(state, expected_state, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(seen.norms > 0, PRESENT)
  assert state.step == 2


def test_random_rules_sample_anew_in_every_step():
  balancer = balancing.graddrop(K)
  state = balancer.init(None)
  first, _, state = step(balancer, state)
  second, _, _ = step(balancer, state)
  assert jnp.any(first["encoder"] != second["encoder"])
  one, other = (
    step(balancer, state, key=jax.random.key(5))[0] for _ in range(2)
  )
  chex.assert_trees_all_equal(one, other)


def test_decoders_learn_from_the_objective():
  found, _, _ = step(balancing.mgda(K), balancing.mgda(K).init(None))
  z = encode(PARAMS["encoder"])
  expected = jax.grad(lambda d: weighted(losses_of(d, [z] * K)))(
    PARAMS["decoders"]
  )
  chex.assert_trees_all_close(found["decoders"], expected, rtol=1e-6)


@pytest.mark.parametrize(
  ("name", "settings", "told"),
  [
    ("ial", {}, "gradients of unweighted losses"),
    ("mgda", {"normalization": "loss"}, "needs losses"),
  ],
)
def test_losses_have_to_be_tagged_where_they_are_needed(name, settings, told):
  balancer = balancing.get(name, K, **settings)
  state = balancer.init(encode(PARAMS["encoder"]))
  with pytest.raises(ValueError, match=told):
    step(balancer, state, use_tag=False)


def test_tag_changes_nothing_else():
  balancer = balancing.pcgrad(K)
  state = balancer.init(None)
  with_tag, without = (
    step(balancer, state, use_tag=u)[0] for u in (True, False)
  )
  chex.assert_trees_all_equal(with_tag, without)


def test_rules_on_parameters_are_refused():
  with pytest.raises(ValueError, match="shared_params"):
    fan_out.make_fan_out(balancing.moco(K), K)
