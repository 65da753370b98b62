import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.methods.base import one_group
from jtr_jax.train.optimizer import accumulated, clip_networks, grouped
from jtr_jax.train.schedules import staircase
from jtr_jax.train.update_rules import adam


def test_adam_as_published():
  """Two updates by hand, the second with half of the learning rate."""
  transform = adam(staircase(0.1, 0.5, 1))
  gradients, found = (2.0, -1.0), []
  state = transform.init(jnp.zeros(()))
  for gradient in gradients:
    update, state = transform.update(jnp.asarray(gradient), state)
    found.append(float(update))
  mean = square = 0.0
  for count, gradient in enumerate(gradients, 1):
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient**2
    rate = 0.1 * 0.5 ** (count - 1)
    corrected = (mean / (1 - 0.9**count), square / (1 - 0.999**count))
    expected = -rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    np.testing.assert_allclose(found[count - 1], expected, rtol=1e-4)


def test_every_network_is_clipped_by_itself():
  gradients = {
    "encoder": {"a": jnp.full(2, 3.0)},
    "decoder_depth": {"a": jnp.full(2, 4.0)},
    "method": {"a": jnp.full(2, 1e-3)},
  }
  transform = clip_networks(1.0)
  state = transform.init(gradients)
  found, _ = jax.jit(transform.update)(gradients, state)
  norm = np.sqrt(2 * 3.0**2 + 2 * 4.0**2)
  expected = {
    "encoder": {"a": jnp.full(2, 3.0 / norm)},
    "decoder_depth": {"a": jnp.full(2, 4.0 / norm)},
    "method": gradients["method"],
  }
  chex.assert_trees_all_close(found, expected, rtol=1e-6)


def test_adam_forgets_a_large_start_only_if_it_was_clipped():
  """One gradient of 1000, then 100 of 1: how far goes the last step?"""

  def last_step(clip_norm):
    transform = adam(staircase(1.0, 1.0, 1))
    if clip_norm:
      transform = optax.chain(clip_networks(clip_norm), transform)
    params = {"encoder": jnp.zeros(())}
    gradients = jnp.ones(101).at[0].set(1e3)
    _, steps = jax.lax.scan(
      lambda state, g: transform.update({"encoder": g}, state)[::-1],
      transform.init(params),
      gradients,
    )
    return -float(steps["encoder"][-1])

  assert last_step(1.0) == pytest.approx(1.0, rel=1e-3)
  assert last_step(0.0) < 0.02


def test_a_method_may_have_a_group_of_its_own():
  """Sizes of Adam's first steps are the learning rates of the groups."""
  rates = {"main": 0.1, "film": 0.5}
  groups = {name: adam(staircase(rate, 1.0, 1)) for name, rate in rates.items()}
  own = lambda params: {"kernel": "main", "gamma": "film"}
  params = {
    "encoder": {"kernel": jnp.ones(2)},
    "method": {"kernel": jnp.ones(3), "gamma": jnp.ones(4)},
  }
  transform = grouped(groups, own)
  update = jax.jit(transform.update)
  updates, state = update(params, transform.init(params), params)
  expected = {
    "encoder": {"kernel": jnp.full(2, -0.1)},
    "method": {"kernel": jnp.full(3, -0.1), "gamma": jnp.full(4, -0.5)},
  }
  chex.assert_trees_all_close(updates, expected, rtol=1e-4)
  chex.assert_trees_all_equal_shapes(state, transform.init(params))


def test_without_another_group_nothing_is_partitioned():
  main = adam(staircase(1.0, 1.0, 1))
  alone = grouped({"main": main}, one_group)
  params = {"encoder": {"kernel": jnp.ones(2)}, "method": {"w": jnp.ones(3)}}
  chex.assert_trees_all_equal(alone.init(params), main.init(params))


NETWORK = {
  "encoder": {
    "conv": {"kernel": jnp.ones(2)},
    "norm": {"scale": jnp.ones(2)},
  },
  "decoder_depth": {"conv": {"kernel": jnp.ones(3)}},
  "method": {},
}
GRADIENT = jax.tree.map(jnp.ones_like, NETWORK)


def frozen(*patterns):
  rate = adam(staircase(0.1, 1.0, 1), weight_decay=0.5, decayed="all")
  return grouped({"main": rate}, lambda params: params, patterns)


def test_what_is_frozen_stays_and_has_no_moments():
  transform = frozen("encoder/conv", "*/norm")
  state = transform.init(NETWORK)
  updates, _ = jax.jit(transform.update)(GRADIENT, state, NETWORK)
  moved = {
    jax.tree_util.keystr(path): bool(jnp.any(update != 0))
    for path, update in jax.tree.leaves_with_path(updates)
  }
  assert [name for name, flag in moved.items() if flag] == [
    "['decoder_depth']['conv']['kernel']"
  ]
  assert max(map(np.size, jax.tree.leaves(state))) == 3


def test_a_frozen_pattern_that_means_nothing_is_told_before_training():
  with pytest.raises(ValueError, match=r"optimizer\.frozen.*'encoder/conv'"):
    jax.eval_shape(frozen("encoder/cnov").init, NETWORK)


def test_several_steps_make_one_update_of_their_mean():
  rate = adam(staircase(0.1, 0.5, 1))
  several, once = accumulated(rate, 2), rate
  params, state = {"kernel": jnp.zeros(2)}, None
  state, whole = several.init(params), once.init(params)
  gradients = [jnp.array([1.0, 2.0]), jnp.array([3.0, -4.0])] * 2
  for index, gradient in enumerate(gradients):
    update, state = several.update({"kernel": gradient}, state, params)
    if index % 2 == 0:
      np.testing.assert_array_equal(update["kernel"], 0)
    else:
      mean = {"kernel": jnp.array([2.0, -1.0])}
      expected, whole = once.update(mean, whole, params)
      chex.assert_trees_all_close(update, expected, rtol=1e-6)


def test_one_step_for_an_update_is_the_transformation_itself():
  rate = adam(staircase(0.1, 0.5, 1))
  assert accumulated(rate, 1) is rate
