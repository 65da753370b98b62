"""Optimisers from a user's own file, and from optax."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.config import (
  build,
  build_optimizer,
  command_line,
  resolve,
)
from tests import config_files
from tests.config.own_parts.own_settings import rooms, tasks_of


def step_of(settings):
  """Return the first step of the optimiser for a gradient of 1."""
  method = build.make_method(settings, tasks_of(settings), 10.0)
  optimizer = build_optimizer.make_optimizer(settings, method, 10.0)
  params = {"w": jnp.ones(2)}
  updates, _ = optimizer.update(params, optimizer.init(params), params)
  return np.asarray(updates["w"])


@pytest.mark.parametrize(
  ("fields", "expected"),
  [
    (("optimizer.name=my_lab:signs", "optimizer.momentum=0"), -1e-3),
    (
      ("optimizer.name=optax:adamw", "optimizer.weight_decay=0.5"),
      -1.5e-3,
    ),
    (("optimizer.name=sgd", "optimizer.momentum=0"), -1e-3),
  ],
)
def test_own_and_other_optimisers(fields, expected):
  """Those of optax are such: functions of a schedule and keyword arguments."""
  settings = rooms(*fields, "optimizer.clip_norm=0", arg="full")
  np.testing.assert_allclose(step_of(settings), expected, rtol=1e-4)
  assert "betas" not in resolve.to_plain(settings)["optimizer"]


def test_every_group_has_the_own_optimiser():
  file = config_files.ROOT / "configs" / "rooms_mtpsl.py"
  settings = command_line.settings(str(file), ["optimizer.name=optax:lion"])
  assert settings.optimizer.rule.build is optax.lion
  assert settings.optimizer.groups["film_learning_rate"] == 1e-2
  method = build.make_method(settings, tasks_of(settings), 10.0)
  build_optimizer.make_optimizer(settings, method, 10.0)
