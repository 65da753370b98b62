"""One step, many forms: several in a dispatch, bfloat16, eight devices."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.train import loop
from jtr_jax.train.dispatch import fetch_steps
from tests import eight_devices
from tests.train import tiny


def first_step(run):
  return loop.run_dispatch(run)(
    loop.start_state(run), run.feed.constant, fetch_steps(run.feed, 0, 1)
  )


def test_several_steps_in_a_dispatch():
  optimizer = optax.sgd(0.1)
  one = tiny.make_run(optimizer=optimizer)
  four = one._replace(schedule=tiny.SCHEDULE._replace(dispatch=4))
  start = jax.device_get(loop.start_state(one))
  state = tiny.place(one, start)
  single, rows = loop.run_dispatch(one), []
  for step in range(4):
    state, metrics = single(
      state, one.feed.constant, fetch_steps(one.feed, step, 1)
    )
    rows.append(metrics)
  expected = jax.tree.map(lambda *x: np.concatenate(x), *rows)
  found_state, found = loop.run_dispatch(four)(
    tiny.place(four, start), four.feed.constant, fetch_steps(four.feed, 0, 4)
  )
  chex.assert_trees_all_close(found_state, state, rtol=1e-4, atol=1e-6)
  chex.assert_trees_all_close(found, expected, rtol=1e-4)
  np.testing.assert_array_equal(found.sample, expected.sample)


def test_bfloat16_keeps_parameters_and_statistics_in_float32():
  run = tiny.make_run("paper", dtype=jnp.bfloat16)
  state, metrics = first_step(run)
  chex.assert_tree_all_finite((state, metrics))
  for leaf in jax.tree.leaves((state.params, state.model_state)):
    assert leaf.dtype == jnp.float32
  _, wide = first_step(tiny.make_run("paper"))
  for name, value in metrics.terms.items():
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, wide.terms[name], rtol=0.2)
    assert value[0] != wide.terms[name][0]


@pytest.mark.parametrize("method", ["paper", "mtpsl"])
def test_eight_devices_equal_one(method):
  errors = eight_devices.run("tests.train.sharded_step", method)
  assert errors.pop("samples") == 0
  assert errors.pop("losses") < 1e-6
  assert errors.pop("parameters") < 1e-5
  assert errors.pop("statistics") < 1e-5
  assert errors.pop("metrics") < 1e-6
  assert errors.pop("share of the evaluation") < 0.2
  assert not errors


def test_two_devices_share_each_image():
  found = eight_devices.run("tests.train.shared_rows")
  assert found["share of the FLOPs"] <= 0.15, found
  assert found["largest gathered"] < found["image"], found
  assert found["permutes"] > 0
  np.testing.assert_allclose(*found["losses"], rtol=3e-5)
