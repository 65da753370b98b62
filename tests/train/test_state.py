import chex
import jax
import numpy as np
import pytest

from jtr_jax.train.schedules import staircase
from jtr_jax.train.state import init_state
from jtr_jax.train.update_rules import adam
from tests.train import tiny

STAGES = {
  "encoder",
  "decoder_segmentation",
  "decoder_depth",
  "decoder_normals",
  "balancer",
  "method",
}


def start(method="paper", seed=0):
  optimizer = adam(staircase(1e-4, 0.5, 10))
  return jax.device_get(
    init_state(
      tiny.make_net(),
      tiny.make_method(method),
      optimizer,
      size=tiny.SIZE,
      seed=seed,
    )
  )


@pytest.fixture(scope="module")
def state():
  return start()


def test_has_one_branch_for_each_stage(state):
  assert set(state.params) == STAGES
  assert set(state.model_state) == STAGES - {"balancer"}
  assert state.params["method"]
  assert start("supervised").params["method"] == {}


def test_dtypes_do_not_change_after_a_step(state):
  assert state.step.dtype == np.int32
  assert state.step == 0
  for leaf in jax.tree.leaves((state.params, state.model_state)):
    assert leaf.dtype == np.float32


def test_is_a_function_of_the_seed(state):
  chex.assert_trees_all_equal(start(), state)
  kernel = lambda s: s.params["encoder"]["encoder0"]["conv0"]["kernel"]
  assert np.any(kernel(start(seed=1)) != kernel(state))


def test_shared_stages_do_not_depend_on_the_method(state):
  other = start("supervised")
  chex.assert_trees_all_equal(other.params["encoder"], state.params["encoder"])
