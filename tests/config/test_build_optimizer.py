import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.config import (
  build,
  build_balancing,
  build_optimizer,
  presets,
  resolve,
)
from jtr_jax.train.plateau import PlateauState
from tests.config.test_build import NYU_TASKS

PARAMS = {
  "encoder": {
    "backbone": {"block0": {"kernel": jnp.ones(2)}},
    "neck": {"norm": {"scale": jnp.ones(2)}},
  },
  "method": {},
}


def resolved(**changes):
  """Settings of supervised learning; changes are section__field=value."""
  config = presets.use_method(presets.base(), "supervised")
  config.optimizer = {}
  config.update_from_flattened_dict(
    {name.replace("__", "."): value for name, value in changes.items()}
  )
  return resolve.resolve(config)


def optimizer(steps_per_epoch=10.0, **changes):
  made = resolved(
    **{f"optimizer__{name}": value for name, value in changes.items()}
  )
  method = build.make_method(made, NYU_TASKS, steps_per_epoch)
  return build_optimizer.make_optimizer(made, method, steps_per_epoch)


def rates(steps_per_epoch, counts, **changes):
  """Learning rates of a run of two epochs."""
  made = resolved(
    train__epochs=2,
    **{f"optimizer__{name}": value for name, value in changes.items()},
  )
  schedule = build_optimizer.main_rate(made, steps_per_epoch)
  return [float(schedule(jnp.asarray(count))) for count in counts]


SCHEDULES = {
  "constant": ({}, [1e-4] * 4),
  "plateau": ({}, [1e-4] * 4),
  "step": ({"decay_epochs": 1}, [1e-4, 5e-5, 5e-5, 2.5e-5]),
  "cosine": ({}, [1e-4, 5e-5, 1.4645e-5, 0]),
  "poly": ({"power": 1.0, "final_factor": 0.5}, [1e-4, 7.5e-5, 6.25e-5, 5e-5]),
  "one_cycle": ({"rise": 0.55}, [4e-6, 1e-4, 5.000002e-5, 4e-10]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_laid_on_the_epochs_of_the_run(name):
  fields, expected = SCHEDULES[name]
  found = rates(10.0, [0, 10, 15, 20], schedule=name, **fields)
  if name == "one_cycle":
    found = rates(10.0, [0, 10, 14.5, 19], schedule=name, **fields)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-12)


def test_warm_up_and_accumulation_are_counted_in_updates():
  found = rates(
    10.0, [0, 4, 9], schedule="constant", warmup_epochs=1.0, accumulate=2
  )
  np.testing.assert_allclose(found, [2e-5, 1e-4, 1e-4], rtol=1e-6)


def test_one_cycle_has_its_own_warm_up():
  with pytest.raises(ValueError, match=r"optimizer\.warmup_epochs.*0\.5"):
    optimizer(schedule="one_cycle", warmup_epochs=0.5)


def test_the_default_has_the_state_that_checkpoints_have():
  state = optimizer().init(PARAMS)
  shapes = [jax.tree.map(jnp.shape, part) for part in state]
  adam = optax.adam(lambda count: 0.1).init(PARAMS)
  assert shapes == [jax.tree.map(jnp.shape, part) for part in adam]


CHANGES = {
  "frozen": {"frozen": ("encoder/backbone",)},
  "backbone_factor": {"backbone_factor": 0.5},
  "layer_decay": {"layer_decay": 0.5},
  "clip_norm": {"clip_norm": 1e-3, "name": "sgd"},
  "schedule": {"schedule": "cosine", "warmup_epochs": 1.0},
  "rule": {"name": "sgd"},
  "weight_decay": {"weight_decay": 0.1},
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_field_changes_an_update(name):
  def update(**changes):
    transform = optimizer(**changes)
    state = transform.init(PARAMS)
    return jax.tree.leaves(transform.update(PARAMS, state, PARAMS)[0])

  rule = {k: v for k, v in CHANGES[name].items() if k == "name"}
  usual = rule if name != "rule" else {}
  same = [
    np.array_equal(a, b)
    for a, b in zip(update(**CHANGES[name]), update(**usual), strict=True)
  ]
  assert not all(same)


def test_a_plateau_is_remembered_in_the_state():
  state = optimizer(schedule="plateau").init(PARAMS)
  is_plateau = lambda node: isinstance(node, PlateauState)
  nodes = jax.tree.leaves(state, is_leaf=is_plateau)
  assert sum(map(is_plateau, nodes)) == 1


def test_a_virtual_step_is_like_one_of_the_optimizer():
  made = resolved(
    optimizer__name="sgd",
    optimizer__momentum=0.5,
    optimizer__weight_decay=0.25,
    optimizer__accumulate=4,
    optimizer__schedule="poly",
    optimizer__power=1.0,
    train__epochs=2,
  )
  balancing = build_balancing.make_balancing(made, NYU_TASKS, 10.0)
  ahead = balancing.look_ahead
  assert (ahead.momentum, ahead.weight_decay) == (0.5, 0.25)
  assert float(ahead.rate(jnp.asarray(3))) == pytest.approx(1e-4)
  assert float(ahead.rate(jnp.asarray(4))) == pytest.approx(0.8e-4)


def test_learning_rate_falls_after_the_epochs_of_the_config():
  made, gradient = optimizer(1.5, decay_epochs=2), {"w": jnp.ones(1)}
  state, sizes = made.init(gradient), []
  for _ in range(5):
    updates, state = made.update(gradient, state)
    sizes.append(float(-updates["w"][0]))
  np.testing.assert_allclose(sizes, [1e-4] * 3 + [5e-5] * 2, rtol=1e-3)


def test_film_has_a_learning_rate_of_its_own():
  own = resolve.resolve(presets.use_method(presets.base(), "mtpsl"))
  method = build.make_method(own, NYU_TASKS, 10.0)
  made = build_optimizer.make_optimizer(own, method, 10.0)
  params = {
    "encoder": {"kernel": np.ones(2, np.float32)},
    "method": {
      "stage0_layer0": {
        "conv": {"kernel": np.ones(2, np.float32)},
        "gamma": np.ones(2, np.float32),
      }
    },
  }
  updates, _ = made.update(params, made.init(params), params)
  sizes = {str(p[-1].key): -x[0] for p, x in jax.tree.leaves_with_path(updates)}
  assert sizes == {
    "kernel": pytest.approx(1e-4, rel=1e-3),
    "gamma": pytest.approx(1e-3, rel=1e-3),
  }
