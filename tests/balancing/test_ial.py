"""IAL's two stages on a small network with a fan-out in the middle."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.balancing import fan_out
from jtr_jax.balancing.gradient import ial
from jtr_jax.balancing.loss import uw

K, PRIMARY = 3, 1
ALL = jnp.ones(K, bool)
SOME = jnp.array([True, True, False])
NO_PRIMARY = jnp.array([True, False, True])
IMAGES = jax.random.normal(jax.random.key(0), (8, 5))
TARGETS = jax.random.normal(jax.random.key(1), (K, 8, 2))
UW = uw.uw(K, form="log_sigma", initial_weight=0.9)


@functools.cache
def params():
  keys = jax.random.split(jax.random.key(2), K + 2)
  return {
    "encoder": [0.5 * jax.random.normal(k, (5, 5)) for k in keys[:2]],
    "decoders": [jax.random.normal(k, (5, 2)) for k in keys[2:]],
    "log_sigma": jnp.array([-0.7, -0.2, -1.2]),
  }


def encode(weights, images=IMAGES):
  for matrix in weights:
    images = jnp.tanh(images @ matrix)
  return images


def losses(decoders, copies, targets=TARGETS):
  return jnp.stack(
    [
      jnp.mean(jnp.square(z @ decoder - target))
      for z, decoder, target in zip(copies, decoders, targets, strict=True)
    ]
  )


def weigh(log_sigma, values, present):
  return UW.objective({"log_sigma": log_sigma}, (), values, present, None)


def one_pass(balancer, present=ALL, weighted=False, images=IMAGES):
  """Return gradients of params and statistics, encoder gradients balanced."""
  fan = fan_out.make_fan_out(balancer, K)
  state = balancer.init(encode(params()["encoder"], images))

  def objective(params, probe):
    copies, tag = fan(
      encode(params["encoder"], images),
      probe,
      state,
      present=present,
      sigma=jnp.exp(params["log_sigma"]),
    )
    values = tag(losses(params["decoders"], copies))
    if weighted:
      return weigh(params["log_sigma"], values, present)
    return jnp.sum(jnp.where(present, values, 0))

  return jax.grad(objective, argnums=(0, 1))(params(), fan_out.probe(state))


def alone(task, images=IMAGES):
  """Return the encoder gradient of one task, by a pass of its own."""
  return jax.grad(
    lambda encoder: losses(params()["decoders"], [encode(encoder, images)] * K)[
      task
    ]
  )(params()["encoder"])


def at_features(task):
  """Return dL/dz of one task, by a pass of its own."""
  z = encode(params()["encoder"])
  return jax.grad(lambda z: losses(params()["decoders"], [z] * K)[task])(z)


def shares(present=ALL):
  return np.where(present, np.clip(1 - np.exp(params()["log_sigma"]), 0, 1), 0)


def two_pass(present=ALL, share=None):
  """Return the encoder gradient of Eq. (6)-(10), written down directly."""
  share = shares(present) if share is None else share
  own = at_features(PRIMARY)
  total = own
  for task in {0, 1, 2} - {PRIMARY}:
    gradient = at_features(task)
    ratio = jnp.linalg.norm(own) / jnp.linalg.norm(gradient)
    total += share[task] * ratio * gradient
  _, pull_back = jax.vjp(encode, params()["encoder"])
  return pull_back(total)[0]


@pytest.mark.parametrize("present", [ALL, SOME])
def test_fan_out_equals_two_passes(present):
  found, statistics = one_pass(ial.ial(K, primary=PRIMARY), present)
  chex.assert_trees_all_close(found["encoder"], two_pass(present), atol=1e-6)
  norms = [jnp.linalg.norm(at_features(task)) for task in range(K)]
  chex.assert_trees_all_close(
    statistics.norms, jnp.where(present, jnp.stack(norms), 0), rtol=1e-5
  )


def test_without_auxiliary_weights_the_encoder_learns_the_primary_task():
  balancer = ial.ial(
    K, primary=PRIMARY, indicator="fixed", auxiliary_weights=(0.0,) * K
  )
  found, _ = one_pass(balancer)
  chex.assert_trees_all_close(found["encoder"], alone(PRIMARY), atol=1e-7)


def test_auxiliary_gradients_have_their_share_of_the_primary_length():
  _, statistics = one_pass(ial.ial(K, primary=PRIMARY))
  lengths = statistics.weights * statistics.norms
  expected = np.where(np.arange(K) == PRIMARY, 1, shares())
  chex.assert_trees_all_close(
    lengths, expected * statistics.norms[PRIMARY], rtol=1e-5
  )


def test_decoders_learn_as_with_uncertainty_weighting():
  def plain(params):
    values = losses(params["decoders"], [encode(params["encoder"])] * K)
    return weigh(params["log_sigma"], values, ALL)

  expected = jax.grad(plain)(params())
  found, _ = one_pass(ial.ial(K, primary=PRIMARY), weighted=True)
  for name in ("decoders", "log_sigma"):
    chex.assert_trees_all_close(found[name], expected[name], rtol=1e-5)


@pytest.mark.parametrize("present", [ALL, SOME])
def test_weights_of_the_losses_do_not_reach_the_encoder(present):
  """Eq. (7) has the gradients of the losses themselves."""
  found, _ = one_pass(ial.ial(K, primary=PRIMARY), present, weighted=True)
  chex.assert_trees_all_close(found["encoder"], two_pass(present), atol=1e-6)


def update(balancer, state=None, present=ALL, sigma=None, scale=1.0):
  stacked = scale * jnp.stack([at_features(task) for task in range(K)])
  state = balancer.init(stacked[0]) if state is None else state
  sigma = jnp.exp(params()["log_sigma"]) if sigma is None else sigma
  return balancer.update(
    stacked,
    state,
    present=present,
    sigma=sigma,
    losses=jnp.array([1.0, 2.0, 3.0]),
  )


def test_batch_without_the_primary_task():
  balancer = ial.ial(K, primary=PRIMARY)
  nothing, _ = update(balancer, present=NO_PRIMARY)
  chex.assert_trees_all_equal(nothing, jnp.zeros_like(nothing))
  _, state = update(balancer)
  found, _ = update(balancer, state, present=NO_PRIMARY)
  norms = state.rule.statistics["length"]
  expected = sum(
    shares()[t] * norms[PRIMARY] / norms[t] * at_features(t) for t in (0, 2)
  )
  chex.assert_trees_all_close(found, expected, rtol=1e-5)
  still = ial.ial(K, primary=PRIMARY, absent_primary="nothing")
  found, _ = update(still, update(still)[1], present=NO_PRIMARY)
  chex.assert_trees_all_equal(found, jnp.zeros_like(found))


def test_lengths_of_samples():
  balancer = ial.ial(K, primary=PRIMARY, norm="sample")
  found, _ = update(balancer)
  own, share = at_features(PRIMARY), shares()
  expected = own
  for t in (0, 2):
    gradient = at_features(t)
    ratio = jnp.linalg.norm(own, axis=1) / jnp.linalg.norm(gradient, axis=1)
    expected += share[t] * ratio[:, None] * gradient
  chex.assert_trees_all_close(found, expected, rtol=1e-4, atol=1e-7)


def test_conflicting_entries_are_dropped():
  balancer = ial.ial(
    K, primary=PRIMARY, indicator="fixed", renormalise=False, conflict_mask=True
  )
  found, _ = update(balancer)
  own = at_features(PRIMARY)
  kept = [
    jnp.where(at_features(t) * own < 0, 0, at_features(t)) for t in (0, 2)
  ]
  chex.assert_trees_all_close(found, own + 0.1 * sum(kept), rtol=1e-5)


@pytest.mark.parametrize(
  ("settings", "expected"),
  [
    ({"indicator": "fixed"}, [0.1, 1, 0.1]),
    (
      {"indicator": "fixed", "auxiliary_weights": (0.2, 0.0, 0.3)},
      [0.2, 1, 0.3],
    ),
    ({"indicator": "uncertainty"}, [0.5, 1, 0.0]),
    (
      {"indicator": "uncertainty", "cap": "softplus"},
      [np.log1p(np.exp(0.5)), 1, np.log1p(np.exp(-1.0))],
    ),
    ({"indicator": "uncertainty", "cap": "exp"}, [1, 1, np.exp(-1.0)]),
    ({"indicator": "uncertainty", "cap": "linear"}, [0.5, 1, -1.0]),
    ({"indicator": "speed"}, [1, 1, 1]),
    ({"indicator": "norm"}, [1, 1, 1]),
  ],
)
def test_shares(settings, expected):
  sigma = jnp.array([0.5, 0.9, 2.0])
  _, state = update(ial.ial(K, primary=PRIMARY, **settings), sigma=sigma)
  found = state.rule.statistics["share"]
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_shares_from_angles_and_speeds_change():
  _, state = update(ial.ial(K, primary=PRIMARY, indicator="cosine"))
  unit = [at_features(t) / jnp.linalg.norm(at_features(t)) for t in range(K)]
  cosines = [max(0.0, float(jnp.sum(u * unit[PRIMARY]))) for u in unit]
  found = state.rule.statistics["share"]
  np.testing.assert_allclose(found, cosines, rtol=1e-4)


def test_shares_from_lengths():
  norms = [float(jnp.linalg.norm(at_features(t))) for t in range(K)]
  weakest = int(np.argmin(norms))
  balancer, state = ial.ial(K, primary=weakest, indicator="norm"), None
  for _ in range(3):
    _, state = update(balancer, state)
  share = np.delete(state.rule.statistics["share"], weakest)
  assert np.all((share > 0) & (share < 1))


def test_what_cannot_be_is_an_error():
  balancer, stacked = ial.ial(K), jnp.ones((K, 2))
  state = balancer.init(stacked[0])
  with pytest.raises(ValueError, match="sigma"):
    balancer.update(stacked, state)
  for field in ("indicator", "cap", "norm", "absent_primary"):
    with pytest.raises(ValueError, match="Unknown"):
      ial.ial(K, **{field: "anything"})
