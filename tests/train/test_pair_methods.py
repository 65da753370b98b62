"""Methods with networks for pairs of tasks, in the real step."""

import functools

import chex
import jax
import numpy as np
import pytest

from jtr_jax.methods.base import MAIN
from jtr_jax.methods.mtpsl import FILM
from jtr_jax.train import loop
from jtr_jax.train.dispatch import fetch_steps
from jtr_jax.train.optimizer import grouped
from jtr_jax.train.schedules import staircase
from jtr_jax.train.update_rules import adam
from tests.train import tiny

RATES = {MAIN: 1e-3, FILM: 1e-2}
STEPS = 3


def make_optimizer(method):
  groups = {
    name: adam(staircase(rate, 1.0, 1))
    for name, rate in RATES.items()
    if name == MAIN or method == "mtpsl"
  }
  return grouped(groups, tiny.make_method(method).groups)


@functools.cache
def trained(method, devices=1):
  """Return the state before and after some steps, and the last metrics."""
  run = tiny.make_run(method, devices=devices, optimizer=make_optimizer(method))
  dispatch, state = loop.run_dispatch(run), loop.start_state(run)
  before = jax.device_get(state)
  for step in range(STEPS):
    fetched = fetch_steps(run.feed, step, 1)
    state, metrics = dispatch(state, run.feed.constant, fetched)
  return before, jax.device_get(state), jax.device_get(metrics)


@pytest.mark.parametrize("method", ["mtpsl", "direct_map"])
def test_a_few_steps_train_everything(method):
  before, after, metrics = trained(method)
  chex.assert_tree_all_finite((after.params, metrics))
  assert metrics.terms["regularizer/cross_task"] > 0
  moved = jax.tree.map(lambda a, b: np.any(a != b), before.params, after.params)
  for path, has_moved in jax.tree.leaves_with_path(moved):
    assert has_moved, path


def test_film_moves_at_its_own_rate():
  """Adam's first steps are about as long as the learning rate."""
  before, after, _ = trained("mtpsl")
  own = before.params["method"]["stage0_layer1"]
  new = after.params["method"]["stage0_layer1"]
  distance = lambda a, b: np.abs(a - b).max() / STEPS
  film = distance(own["gamma"], new["gamma"])
  kernel = distance(own["conv"]["kernel"], new["conv"]["kernel"])
  assert RATES[FILM] / 3 < film <= 1.01 * RATES[FILM]
  assert RATES[MAIN] / 3 < kernel <= 1.01 * RATES[MAIN]
