import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models import networks, segnet
from jtr_jax.models.heads.linear import PooledHead, cell_means
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.soft_labels import SoftLabels


@pytest.mark.parametrize(("length", "cells"), [(6, 1), (6, 2), (7, 3), (2, 5)])
def test_a_cell_is_the_mean_of_the_places_it_overlaps(length, cells):
  weights = cell_means(length, cells)
  np.testing.assert_allclose(weights.sum(axis=1), 1)
  for cell in range(cells):
    low, high = cell * length / cells, (cell + 1) * length / cells
    overlaps = [p < high and p + 1 > low for p in range(length)]
    np.testing.assert_array_equal(weights[cell] > 0, overlaps)


def test_head_of_cells_reads_its_part_of_the_image():
  deepest = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 6, 3)))
  final = jnp.zeros((2, 8, 12, 3))
  features = segnet.features(deepest, final, (8, 12), 1)
  head = PooledHead(5, grid=(2, 3))
  params = head.init(jax.random.key(0), features, train=False)
  out = head.apply(params, features, train=False)
  assert out.shape == (2, 2, 3, 5)
  part = segnet.features(deepest[:, :2, 2:4], final, (8, 12), 1)
  alone = PooledHead(5).apply(params, part, train=False)
  np.testing.assert_allclose(out[:, :1, 1:2], alone, rtol=1e-5)


@pytest.mark.parametrize("backbone", ["resnet18"])
def test_networks_give_tasks_their_own_grid(backbone):
  tasks = (
    Depth("depth"),
    Classification("scene", 4),
    SoftLabels("tokens", 6, cells=(2, 2)),
  )
  settings = networks.default_settings(backbone)
  net = networks.make_network(tasks, backbone, settings, jnp.float32)
  image = jnp.zeros((1, 32, 32, 3))
  params, state = jax.eval_shape(
    lambda k: net.init(k, (32, 32, 3)), jax.random.key(0)
  )
  shapes = jax.eval_shape(
    lambda p, s: net.predict(p, s, image, train=False)[0], params, state
  )
  assert {n: x.shape for n, x in shapes.items()} == {
    "depth": (1, 32, 32, 1),
    "scene": (1, 1, 1, 4),
    "tokens": (1, 2, 2, 6),
  }
