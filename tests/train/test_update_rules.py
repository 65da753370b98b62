"""Against numbers of torch, and by hand."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.train import schedules, update_rules
from jtr_jax.train.schedules import Span

RECORDED = Path(__file__).parent.parent / "golden" / "optimizers.npz"
UPDATES = Span(12)
RUNS = {
  "adamw_one_cycle": (
    update_rules.adamw,
    {"weight_decay": 0.1},
    schedules.one_cycle(1e-2, UPDATES),
  ),
  "sgd_cosine": (
    update_rules.sgd,
    {"weight_decay": 0.1},
    schedules.cosine(1e-2, UPDATES),
  ),
  "sgd_nesterov_poly": (
    update_rules.sgd,
    {"nesterov": True},
    schedules.poly(1e-2, UPDATES),
  ),
  "adam_step": (
    update_rules.adam,
    {"weight_decay": 0.1},
    schedules.step(1e-2, UPDATES, factor=0.5, every=5),
  ),
}


@pytest.fixture(scope="module")
def recorded():
  with np.load(RECORDED) as arrays:
    return dict(arrays)


@pytest.mark.parametrize("name", RUNS)
def test_updates_are_those_of_torch(recorded, name):
  build, options, schedule = RUNS[name]
  rates = jax.vmap(schedule)(jnp.arange(12))
  np.testing.assert_allclose(rates, recorded[f"{name}/rates"], rtol=2e-5)
  transform = build(schedule, **options)

  def step(carry, gradient):
    params, state = carry
    updates, state = transform.update({"kernel": gradient}, state, params)
    params = optax.apply_updates(params, updates)
    return (params, state), params["kernel"]

  start = {"kernel": jnp.array([1.0, -2.0, 3.0])}
  gradients = jnp.asarray(recorded["gradients"], jnp.float32)
  _, found = jax.lax.scan(step, (start, transform.init(start)), gradients)
  np.testing.assert_allclose(found, recorded[f"{name}/params"], rtol=2e-6)


@pytest.mark.parametrize(
  "build", [update_rules.adam, update_rules.adamw, update_rules.sgd]
)
def test_norms_biases_and_embeddings_do_not_decay(build):
  params = {
    "encoder": {
      "conv": {"kernel": jnp.ones(2), "bias": jnp.ones(2)},
      "norm": {"scale": jnp.ones(2), "bias": jnp.ones(2)},
      "position": {"embedding": jnp.ones(2)},
    }
  }
  zeros = jax.tree.map(jnp.zeros_like, params)

  def moved(**options):
    transform = build(lambda count: 0.1, weight_decay=0.5, **options)
    updates, _ = transform.update(zeros, transform.init(params), params)
    flat = jax.tree.leaves_with_path(updates)
    return {jax.tree_util.keystr(p): bool(jnp.any(u != 0)) for p, u in flat}

  assert [n for n, v in moved().items() if v] == [
    "['encoder']['conv']['kernel']"
  ]
  assert all(moved(decayed="all").values())


def test_adam_has_the_state_that_checkpoints_have():
  """Two parts: moments with a count, and the count of the schedule."""
  transform = update_rules.adam(lambda count: 0.1)
  moments, schedule = transform.init({"kernel": jnp.ones(2)})
  assert isinstance(moments, optax.ScaleByAdamState)
  assert isinstance(schedule, optax.ScaleByScheduleState)


def test_plain_gradient_descent_keeps_nothing():
  transform = update_rules.sgd(lambda count: 0.5, momentum=0.0)
  params = {"kernel": jnp.ones(2)}
  updates, _ = transform.update(params, transform.init(params), params)
  np.testing.assert_array_equal(updates["kernel"], [-0.5, -0.5])
