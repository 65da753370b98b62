"""What IAL's encoder stage and its decoders start with."""

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.config import build_balancing
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from tests import config_files

TASKS = (Depth("depth"), Normals("normals"))


def balancing(name, **changes):
  settings = config_files.settings(
    "rooms_supervised", f"balancing={name}", **changes
  )
  return build_balancing.make_balancing(settings, TASKS, 10.0)


def first_f(made):
  """Return f of the auxiliary task in the first step."""
  sigma = made.loss.sigma(made.loss.init()[0])
  rows = jnp.eye(2)
  _, state = made.gradient.update(
    rows, made.gradient.init(rows[0]), sigma=sigma, losses=jnp.ones(2)
  )
  return state.weights[1]


@pytest.mark.parametrize("name", ["ial", "uw+ial", "dwa+ial"])
def test_auxiliary_gradients_start_at_a_tenth(name):
  np.testing.assert_allclose(first_f(balancing(name)), 0.1, rtol=1e-5)


def test_the_other_reading_starts_at_0():
  made = balancing("ial", balancing__loss__initial_weight=0.1)
  assert first_f(made) == 0


def test_sigma_starts_where_it_is_set_beside_another_balancer():
  made = balancing("dwa+ial", balancing__gradient__initial_sigma=0.5)
  np.testing.assert_allclose(first_f(made), 0.5, rtol=1e-5)


def test_uncertainty_weighting_with_the_encoder_stage_is_ial():
  one, other = (
    config_files.settings("rooms_supervised", f"balancing={name}").balancing
    for name in ("ial", "uw+ial")
  )
  assert one == other
