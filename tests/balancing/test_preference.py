import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax import balancing
from tests.balancing.gradient_table import conflicting

K = 3
NAMES = ("upgrad", "dualproj", "aligned_mtl", "con_fig")
ROWS = jnp.asarray(conflicting(K))


def direction(name, present=None, **settings):
  balancer = balancing.get(name, K, **settings)
  return balancer.update(ROWS, balancer.init(ROWS[0]), present=present)[0]


@pytest.mark.parametrize("name", NAMES)
def test_equal_preferences_are_none(name):
  found = direction(name, preference=(2.0, 2.0, 2.0))
  np.testing.assert_allclose(found, direction(name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_preferred_task_gains(name):
  found = direction(name, preference=(8.0, 1.0, 1.0))
  cosine = lambda d: ROWS[0] @ d / jnp.linalg.norm(d)
  assert cosine(found) > 1.05 * cosine(direction(name))


def test_cosines_of_con_fig_are_as_preferred():
  found = direction("con_fig", preference=(3.0, 2.0, 1.0))
  cosines = ROWS @ found / jnp.linalg.norm(ROWS, axis=1)
  np.testing.assert_allclose(cosines / cosines[2], [3, 2, 1], rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_preferences_of_absent_tasks_do_not_matter(name):
  present = jnp.array([True, False, True])
  one, other = (
    direction(name, present, preference=(3.0, p, 1.0)) for p in (1.0, 9.0)
  )
  np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preference", [(1.0, 2.0), (1.0, 0.0, 2.0)])
def test_senseless_preferences_are_refused(name, preference):
  with pytest.raises(ValueError, match="Found: "):
    balancing.get(name, K, preference=preference)
