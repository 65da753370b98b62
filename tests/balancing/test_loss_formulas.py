"""What the papers say of single loss balancers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.balancing import uncertainty
from jtr_jax.balancing.loss import (
  amtl,
  auto_lambda,
  dwa,
  fixed,
  gls,
  gradnorm,
  imtl_l,
  liebel,
  ol_aux,
  rlw,
  stch,
  uw,
)
from jtr_jax.balancing.loss_balancer import Observation

LOSSES = jnp.array([0.5, 1.0, 4.0])
ALL = jnp.ones(3, bool)
KEY = jax.random.key(0)


def descend(balancer, losses=LOSSES, steps=400):
  """Return the parameters after learning on losses that never change."""
  params, state = balancer.init()
  optimizer = optax.adam(0.05)

  def step(carry, _):
    params, opt_state = carry
    gradient = balancer.weigh(params, state, losses, present=ALL, key=KEY)[2]
    updates, opt_state = optimizer.update(gradient, opt_state)
    return (optax.apply_updates(params, updates), opt_state), None

  start = params, optimizer.init(params)
  return jax.lax.scan(step, start, length=steps)[0][0]


def weights(balancer, state=None, losses=LOSSES, present=ALL, key=KEY):
  params, first = balancer.init()
  state = first if state is None else state
  return balancer.weigh(params, state, losses, present=present, key=key)[1]


@pytest.mark.parametrize("form", ["log_variance", "log_sigma", "sigma"])
def test_variances_of_uncertainty_weighting_become_the_losses(form):
  balancer = uw.uw(3, form=form, classification=(2,))
  sigma = balancer.sigma(descend(balancer))
  expected = LOSSES * jnp.array([1, 1, 2])
  np.testing.assert_allclose(sigma**2, expected, rtol=0.03)


def test_uncertainty_weighting_starts_where_it_is_told():
  for form in ("log_variance", "log_sigma", "sigma"):
    balancer = uw.uw(3, form=form, initial_weight=0.1)
    np.testing.assert_allclose(weights(balancer), 0.1, rtol=1e-6)
  params, _ = uw.uw(2).init()
  np.testing.assert_allclose(params["log_variance"], -0.5)
  with pytest.raises(ValueError, match="log_variance"):
    uw.uw(2, form="log_varianse")


def test_stationary_point_of_liebel():
  c = descend(liebel.liebel(3))["c"]
  np.testing.assert_allclose(2 * c**4, LOSSES * (1 + c**2), rtol=0.02)


def test_imtl_l_scales_losses_to_one():
  scale = descend(imtl_l.imtl_l(3))["scale"]
  np.testing.assert_allclose(jnp.exp(scale) * LOSSES, 1, rtol=0.01)


def test_absent_tasks_teach_sigma_nothing():
  balancer = uw.uw(3)
  params, state = balancer.init()
  present = jnp.array([True, False, True])
  gradient = balancer.weigh(params, state, LOSSES, present=present, key=KEY)[2]
  assert gradient["log_variance"][1] == 0
  assert gradient["log_variance"][0] != 0


def test_sigma_beside_other_weights():
  balancer = uncertainty.learn_sigma_beside(gls.gls(3), 3, 0.9)
  np.testing.assert_array_equal(weights(balancer), weights(gls.gls(3)))
  sigma = balancer.sigma(descend(balancer))
  np.testing.assert_allclose(sigma**2, LOSSES, rtol=0.01)


def test_gls_weights_make_equal_shares():
  shares = weights(gls.gls(3)) * LOSSES
  np.testing.assert_allclose(shares, jnp.prod(LOSSES) ** (1 / 3) / 3, rtol=1e-6)
  focused = weights(gls.gls(3, focused=(1,))) * LOSSES
  np.testing.assert_allclose(focused[1], 2 * focused[0], rtol=1e-6)


def test_random_weights_are_new_every_step():
  balancer = rlw.rlw(3)
  first, second = (weights(balancer, key=jax.random.key(i)) for i in (0, 1))
  np.testing.assert_allclose(first.sum(), 1, rtol=1e-6)
  assert not np.allclose(first, second)


def seen(losses, step=0, present=ALL, **more):
  return Observation(jnp.asarray(losses), present, jnp.asarray(step), **more)


def test_dwa_carries_the_mean_of_an_epoch_without_labels():
  balancer = dwa.dwa(3, period=2)
  state = balancer.init()[1]
  absent = jnp.array([True, True, False])
  rows = [LOSSES, LOSSES, LOSSES / 2, LOSSES / 2]
  for step, losses in enumerate(rows):
    present = ALL if step < 2 else absent
    losses = jnp.where(present, losses, 0)
    state = balancer.observe(state, seen(losses, step, present))
  expected = 3 * jax.nn.softmax(jnp.array([0.5, 0.5, 1.0]) / 2)
  np.testing.assert_allclose(weights(balancer, state), expected, rtol=1e-6)


def test_potentials_and_margin_of_amtl():
  balancer = amtl.amtl(
    3, potentials=(0.5, 0.5, 0.5), margin=0.0, mean="arithmetic"
  )
  start = balancer.init()[1]
  np.testing.assert_allclose(weights(balancer, start), 1 / 3, rtol=1e-6)
  state = balancer.update_from_accuracies(start, jnp.array([0.1, 0.5, 0.9]))
  expected = jax.nn.softmax(jnp.array([0.8**2, 0.0, 0.0]))
  np.testing.assert_allclose(weights(balancer, state), expected, rtol=1e-6)
  unknown = balancer.update_from_accuracies(
    state, jnp.array([jnp.nan, 0.5, jnp.nan])
  )
  np.testing.assert_allclose(unknown, state)
  with pytest.raises(ValueError, match="one for each task"):
    amtl.amtl(3, potentials=(0.5, 0.5))


def test_amtl_is_gls_before_the_first_evaluation():
  np.testing.assert_allclose(
    weights(amtl.amtl(3)), weights(gls.gls(3)), rtol=1e-6
  )


def test_gradnorm_evens_out_lengths():
  balancer = gradnorm.gradnorm(3, alpha=0.0)
  norms = jnp.array([1.0, 2.0, 4.0])
  state = jax.lax.fori_loop(
    0,
    300,
    lambda step, state: balancer.observe(state, seen(LOSSES, norms=norms)),
    balancer.init()[1],
  )
  lengths = state.weights * norms
  np.testing.assert_allclose(lengths, lengths.mean(), rtol=0.1)
  np.testing.assert_allclose(state.weights.sum(), 3, rtol=1e-5)


def test_auto_lambda_follows_what_helps():
  balancer = auto_lambda.auto_lambda(3, meta_learning_rate=0.01)
  state = balancer.init()[1]
  influence = jnp.array([1.0, -1.0, 0.0])
  changed = balancer.observe(state, seen(LOSSES, influence=influence))
  np.testing.assert_allclose(changed.weights, [0.11, 0.09, 0.1], rtol=1e-4)
  same = balancer.observe(state, seen(LOSSES, influence=jnp.zeros(3)))
  np.testing.assert_array_equal(same.weights, state.weights)


def test_ol_aux_changes_every_few_steps():
  balancer = ol_aux.ol_aux(3, horizon=2, step_size=1.0)
  state = balancer.init()[1]
  cosines = jnp.array([[1.0, 0.5, -0.5], [0.5, 1, 0], [-0.5, 0, 1]])
  known = {"norms": LOSSES, "cosines": cosines}
  state = balancer.observe(state, seen(LOSSES, 0, **known))
  np.testing.assert_array_equal(state.weights, 1)
  state = balancer.observe(state, seen(LOSSES, 1, **known))
  np.testing.assert_allclose(state.weights, [1, 2, 0])


def test_smooth_maximum_of_relative_losses():
  balancer = stch.stch(3, period=1, warm_up=0, smoothness=0.01)
  state = balancer.observe(balancer.init()[1], seen([1.0, 1.0, 8.0]))
  found = weights(balancer, state, losses=jnp.array([0.5, 0.9, 4.0]))
  np.testing.assert_allclose(found * 0.9 / 3, [0, 1, 0], atol=1e-5)


def test_weights_that_do_not_change():
  np.testing.assert_allclose(weights(fixed.fixed(3, primary=1)), [0.1, 1, 0.1])
  given = fixed.fixed(3, weights=(1.0, 2.0, 3.0))
  np.testing.assert_allclose(weights(given), [1, 2, 3])
  points = list(fixed.grid(3, primary=1))
  assert len(points) == 16
  assert points[0] == (0.1, 1.0, 0.1)
  assert points[-1] == (0.4, 1.0, 0.4)
