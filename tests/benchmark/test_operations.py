import jax
import jax.numpy as jnp
import pytest

from jtr_jax.benchmark import operations
from jtr_jax.config import published_settings
from jtr_jax.data.datasets.nyuv2_classes import CLASSES_40
from jtr_jax.models.networks import NetworkSettings, make_network
from jtr_jax.models.resize import resize
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation

TASKS = (
  Segmentation("segmentation", len(CLASSES_40)),
  Depth("depth"),
  Normals("normals"),
)


@pytest.mark.parametrize(
  ("setting", "trunk"), [("amtl", 72.038), ("amtl_own", 216.11)]
)
def test_amtl_tables_a_and_b(setting, trunk):
  """Supplement, Sec. A.1 and B.1: GMAC of one image of 480x640."""
  fields = dict(published_settings.SETTINGS[setting].model)
  net = make_network(
    TASKS, fields.pop("name"), NetworkSettings(**fields), jnp.float32
  )
  found = operations.of_network(net, (480, 640))
  assert found.backbone / 1e9 == pytest.approx(116.8, abs=0.05)
  assert found.trunk / 1e9 == pytest.approx(trunk, abs=0.05)
  assert found.heads / 1e9 == pytest.approx(8.536, rel=2e-3)
  published = {"amtl": 197.385, "amtl_own": 341.46}[setting]
  assert sum(found) / 1e9 == pytest.approx(published, rel=1e-3)


def test_grouped_and_strided_convolutions():
  convolve = lambda x, kernel: jax.lax.conv_general_dilated(
    x,
    kernel,
    (2, 2),
    "SAME",
    dimension_numbers=("NHWC", "HWIO", "NHWC"),
    feature_group_count=4,
  )
  found = operations.count(
    convolve, jnp.zeros((2, 8, 8, 8)), jnp.zeros((3, 3, 2, 12))
  )
  assert found.total() == 2 * 4 * 4 * 12 * 9 * 2


def test_a_loops_body_counts_as_often_as_it_runs():
  def loop(x, matrices):
    return jax.lax.scan(lambda x, m: (x @ m, None), x, matrices)[0]

  found = operations.count(loop, jnp.zeros((2, 3)), jnp.zeros((5, 3, 3)))
  assert found.total() == 5 * 2 * 3 * 3


def test_resizing_does_not_count():
  image = jnp.zeros((1, 8, 8, 3))
  assert not operations.count(lambda x: resize(x, (5, 5)), image)
