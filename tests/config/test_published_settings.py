"""The papers' other networks: traced at full size, run at tiny width."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.benchmark.__main__ import measure_settings
from jtr_jax.config import build, presets, published_settings
from jtr_jax.data.datasets import nyuv2
from jtr_jax.data.records.manifest import Manifest
from tests import config_files

TINY = {
  "data__size": (32, 32),
  "train__batch_size": 2,
  "model__width_factor": 0.05,
  "model__depth_factor": 0.1,
  "model__head_width": 4,
}


def of(name, method="supervised", **changes):
  argument = f"full,setting={name},data=rooms"
  return config_files.settings(f"nyu_{method}", argument, **changes)


@pytest.mark.parametrize("name", published_settings.SETTINGS)
def test_every_setting_traces_at_its_full_size(name):
  own = of(name)
  data = Manifest("test", own.data.size, nyuv2.TASKS, {}, {})
  tasks = build.make_tasks(own.tasks, data)
  net = build.make_model(own, tasks)
  shape = (own.train.batch_size, *own.data.size, 3)

  def predict(key):
    params, state = net.init(key, shape[1:])
    return net.predict(params, state, jnp.zeros(shape), train=False)[0]

  found = jax.eval_shape(predict, jax.random.key(0))
  for task in tasks:
    assert found[task.name].shape == (*shape[:3], task.channels)


@pytest.mark.parametrize(
  "name",
  [
    n for n in published_settings.SETTINGS if n not in ("amtl_plus", "amtl_own")
  ],
)
def test_one_step_at_tiny_width(name):
  found = measure_settings(of(name, **TINY), runs=1)
  assert np.isfinite(found.median_seconds)


@pytest.mark.parametrize(
  ("name", "batch", "schedule", "size"),
  [
    ("jtr_resnet50", 4, "step", presets.NYU_SIZE),  # JTR, Sec. 6.4
    ("ial", 12, "poly", presets.NYU_SIZE),  # IAL, Sec. IV-B
    ("amtl", 8, "cosine", (480, 640)),  # AMTL supplement, Sec. A.2
  ],
)
def test_training_is_that_of_the_paper(name, batch, schedule, size):
  own = of(name)
  assert own.train.batch_size == batch
  assert own.optimizer.schedule == schedule
  assert own.data.size == size


def test_what_amtl_states():
  own = of("amtl_mobilenet_v2")
  assert own.train.epochs == 100
  assert own.optimizer.rule.fields["weight_decay"] == 5e-4
  assert own.model.network.fields["aspp_dropout"] == 0.5
  assert own.model.network.fields["shared_trunk"]
  assert not of("amtl_own_plus").model.network.fields["shared_trunk"]


def test_mappings_follow_the_bottleneck_of_the_setting():
  own = of("jtr_resnet50", "mtpsl", **TINY)
  assert own.method.fields["mapping_filters"][-1] == 0
  assert of("segnet", "mtpsl").method.fields["mapping_filters"][-1] == 512


def test_an_unknown_setting_names_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'amtl_plus'"):
    of("amtl_pluss")
