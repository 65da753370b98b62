import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks import edge_matching
from jtr_jax.tasks.edges import Edges

TASK = Edges("edges")
SIZE = (40, 60)  # a tolerance of 0.54 pixels, so 0 of them


def logit(probability):
  p = np.clip(probability, 1e-6, 1 - 1e-6)
  return np.log(p / (1 - p)).astype(np.float32)[None, ..., None]


def label_of(truth):
  value = truth.astype(np.float32)[None, ..., None]
  return Label(value, np.ones((1, *truth.shape), bool), np.ones(1, bool))


def f_of(task, probability, truth):
  sums = jax.jit(task.metric_sums)(logit(probability), label_of(truth))
  return task.metric_values(jax.device_get(sums))["tolerant_f"]


def lines(size=SIZE):
  truth = np.zeros(size, bool)
  truth[10, 5:50] = truth[5:35, 30] = True
  return truth


def test_edges_outweigh_the_rest():
  truth = lines()
  loss = TASK.loss(logit(np.full(SIZE, 0.3)), label_of(truth))
  edges = truth.sum()
  expected = -0.95 * edges * np.log(0.3) - 0.05 * (2400 - edges) * np.log(0.7)
  np.testing.assert_allclose(loss.sum, [expected], rtol=1e-5)
  with pytest.raises(ValueError, match="edge_weight = 1"):
    Edges("edges", edge_weight=1.0)


def test_exact_edges_have_an_f_of_one():
  truth = lines()
  assert f_of(TASK, np.where(truth, 0.8, 0.0), truth) == 1
  assert f_of(TASK, np.where(truth, 0.0, 0.8), truth) < 0.3


def test_the_best_threshold_counts():
  truth = lines()
  noise = np.zeros(SIZE, bool)
  noise[20:38:6, 40:58:6] = True
  p = np.where(truth, 0.6, np.where(noise, 0.3, 0.0))
  assert f_of(TASK, p, truth) == 1
  p = np.where(truth, 0.3, np.where(noise, 0.6, 0.0))
  hits, misses = truth.sum(), noise.sum()
  precision = hits / (hits + misses)
  assert f_of(TASK, p, truth) == pytest.approx(2 * precision / (1 + precision))


def test_near_edges_are_right_within_the_tolerance():
  truth = lines()
  shifted = np.roll(truth, 2, axis=(0, 1))
  p = np.where(shifted, 0.8, 0.0)
  assert f_of(TASK, p, truth) < 0.2
  near = Edges("edges", tolerance=2.9 / np.hypot(*SIZE))
  assert f_of(near, p, truth) == 1
  far = Edges("edges", tolerance=2.7 / np.hypot(*SIZE))  # 2.83 pixels away
  assert f_of(far, p, truth) < 1


def test_thick_edges_are_made_thin():
  distance = np.abs(np.arange(SIZE[1])[None] - 30.0) * np.ones((SIZE[0], 1))
  soft = np.exp(-0.5 * (distance / 3) ** 2).astype(np.float32)
  thin = np.asarray(edge_matching.thinned(jnp.asarray(soft)[None]))[0]
  assert (thin[:, 30] == 1).all()
  assert (thin[:, 20:41].astype(bool).sum(axis=1) == 1).all()
  row, column = np.indices(SIZE)
  distance = np.abs(row + 10 - column) / np.sqrt(2)
  soft = np.exp(-0.5 * (distance / 2) ** 2).astype(np.float32)
  thin = np.asarray(edge_matching.thinned(jnp.asarray(soft)[None]))[0]
  inside = thin[5:35, 10:55]
  assert (inside[distance[5:35, 10:55] == 0] > 0.9).all()
  assert (inside[(distance[5:35, 10:55] > 1)] == 0).mean() > 0.95


def test_counts_do_not_depend_on_what_is_hidden():
  truth = lines()
  mask = np.ones(SIZE, bool)
  mask[:, 40:] = False
  p = np.random.default_rng(0).random(SIZE).astype(np.float32)
  count = jax.jit(
    lambda p, t: edge_matching.count(p[None], t[None], mask[None], 0.05)
  )
  one = count(p, truth)
  other = count(np.where(mask, p, 0.77).astype(np.float32), truth | ~mask)
  for a, b in zip(one, other, strict=True):
    np.testing.assert_array_equal(a, b)
