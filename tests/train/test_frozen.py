"""Parameters that are not trained, in a whole step."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import pytest

from jtr_jax.balancing.gradient import pcgrad
from jtr_jax.balancing.loss import uniform
from jtr_jax.methods.supervised import supervised
from jtr_jax.train.optimizer import grouped
from jtr_jax.train.schedules import staircase
from jtr_jax.train.step_parts import Program
from jtr_jax.train.task_weighting import Balancing
from jtr_jax.train.update_rules import adamw
from tests.train import small_net

PATTERNS = ("encoder/conv0", "decoder_depth")
K = len(small_net.NET_TASKS)
BALANCINGS = {
  "plain": Balancing(uniform.uniform(K)),
  "features": Balancing(uniform.uniform(K), pcgrad.pcgrad(K), "features"),
  "shared_params": Balancing(
    uniform.uniform(K), pcgrad.pcgrad(K), "shared_params"
  ),
}


@pytest.mark.parametrize("name", BALANCINGS)
def test_a_step_leaves_them_and_has_no_gradient_for_them(name):
  net = dataclasses.replace(small_net.make_net(), frozen=PATTERNS)
  method = supervised(small_net.NET_TASKS)
  program = Program(net, method, BALANCINGS[name])
  rule = adamw(staircase(0.1, 1.0, 1))
  optimizer = grouped({"main": rule}, method.groups, PATTERNS)
  state = small_net.start(program, optimizer)
  step = small_net.make_step(program, optimizer)
  new, found = step(state, small_net.make_batch(), None)
  moved = jax.tree.map(
    lambda a, b: bool(jnp.any(a != b)), state.params, new.params
  )
  assert not any(jax.tree.leaves(moved["encoder"]["conv0"]))
  assert not any(jax.tree.leaves(moved["decoder_depth"]))
  assert all(jax.tree.leaves(moved["encoder"]["conv1"]))
  assert all(jax.tree.leaves(moved["decoder_normals"]))
  for part in (
    found.gradients["encoder"]["conv0"],
    found.gradients["decoder_depth"],
  ):
    zeros = jax.tree.map(jnp.zeros_like, part)
    chex.assert_trees_all_equal(part, zeros)
