import json
import math
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax.train import plateau
from jtr_jax.train.plateau import Patience, reduce_on_plateau

RECORDED = Path(__file__).parent.parent / "golden" / "optimizers.npz"


def factor(opt_state):
  updates, _ = optax.chain(reduce_on_plateau()).update(
    {"kernel": jnp.ones(())}, opt_state
  )
  return float(updates["kernel"])


def test_falls_as_torch_does():
  with np.load(RECORDED) as arrays:
    values, expected = arrays["plateau/values"], arrays["plateau/rates"]
  state = optax.chain(reduce_on_plateau()).init({"kernel": jnp.ones(())})
  look = jax.jit(
    lambda state, value: plateau.observe(state, value, factor=0.1, patience=2)
  )
  found = []
  for value in values:
    state = look(state, jnp.float32(value))
    found.append(factor(state))
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  assert len(set(found)) > 3


def test_an_evaluation_that_is_nan_is_no_better():
  state = optax.chain(reduce_on_plateau()).init({})
  for value in (math.nan, math.nan):
    state = plateau.observe(state, jnp.float32(value), factor=0.5, patience=1)
  assert factor(state) == 0.5


def test_the_state_keeps_its_types():
  state = reduce_on_plateau().init({})
  after = plateau.observe(state, jnp.float32(1), factor=0.5, patience=0)
  for old, new in zip(state, after, strict=True):
    assert old.dtype == new.dtype
    assert not new.weak_type


def test_what_is_no_plateau_is_left_alone():
  transform = optax.chain(optax.scale_by_adam(), reduce_on_plateau())
  state = transform.init({"kernel": jnp.ones(2)})
  after = plateau.observe(state, jnp.float32(1), factor=0.5, patience=0)
  chex.assert_trees_all_equal(after[0], state[0])
  assert float(after[1].best) == 1


def test_patience_counts_evaluations_without_a_better_one():
  patience = Patience()
  waited = []
  for value in (1.0, 0.5, 1.0, math.nan, 2.0, 1.0):
    patience = patience.after(value)
    waited.append(patience.waited)
  assert waited == [0, 1, 2, 3, 0, 1]
  assert patience.best == 2.0


def test_patience_survives_a_checkpoint():
  patience = Patience().after(0.25).after(0.125)
  assert plateau.restored(json.loads(json.dumps(patience))) == patience
  assert plateau.restored(None) == Patience()
