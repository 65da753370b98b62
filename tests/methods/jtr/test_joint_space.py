"""What keeps codes apart, and what tells whether they are."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods.jtr import joint_space
from jtr_jax.methods.jtr.settings import PAPER, RELEASED
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.models.segnet import Head, SegNet
from tests.methods import partial_batch as batch

SHAPE = (3, 2, 2, 5)


def codes(seed):
  draw = np.random.default_rng(seed)
  return jnp.asarray(draw.normal(size=SHAPE), jnp.float32)


def paper(**changes):
  return dataclasses.replace(PAPER, **changes)


def test_a_direction_that_all_codes_share_leaves_no_trace_once_centred():
  points = codes(0), codes(1)
  shared = 100 * codes(2)[:1, :1, :1]
  moved = (points[0] + shared, points[1] + shared)
  assert float(joint_space.distance(moved, "cosine").max()) < 1e-3
  found, expected = (
    joint_space.distance(both, "cosine", centred=True)
    for both in (moved, points)
  )
  chex.assert_trees_all_close(found, expected, rtol=1e-3)
  assert float(expected.min()) > 0.3


def test_variance_and_covariance_are_those_of_vicreg():
  points = codes(0), 3 * codes(1)
  rows = [np.asarray(x, np.float64).reshape(-1, SHAPE[-1]) for x in points]
  short = sum(
    np.maximum(0, 1 - np.sqrt(x.var(axis=0) + 1e-4)).mean() for x in rows
  )
  matrices = [np.cov(x.T) for x in rows]
  alike = sum(
    (np.sum(c**2) - np.sum(np.diag(c) ** 2)) / SHAPE[-1] for c in matrices
  )
  np.testing.assert_allclose(joint_space.variance(points), short, rtol=1e-5)
  np.testing.assert_allclose(joint_space.covariance(points), alike, rtol=1e-5)
  assert short > 0.01


def test_codes_that_are_all_the_same_are_told_to_part(predictions, labels):
  settings = paper(variance_weight=2.0, covariance_weight=0.5)
  found = batch.report(settings, predictions, labels)
  for name in ("jtr_variance", "jtr_covariance"):
    own, of_model = found.gradients[name]
    assert any(np.any(leaf) for leaf in jax.tree.leaves(own))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(of_model))
  one = jnp.ones(SHAPE)
  assert float(joint_space.variance((one, one))) == pytest.approx(2 * 0.99)


def test_the_weight_of_the_distance_grows_over_its_ramp(predictions, labels):
  settings = paper(dist_ramp_steps=10)
  variables = batch.make_variables(batch.make_autoencoder())

  def distance(settings, step):
    inputs = batch.make_input(predictions, labels, step=step)
    method = batch.make_method(settings)
    return method.losses(*variables, inputs).regularizers["jtr_distance"]

  full = distance(PAPER, 0)
  for step, part in ((0, 0.0), (5, 0.5), (10, 1.0), (25, 1.0)):
    chex.assert_trees_all_close(distance(settings, step), part * full)


def test_a_detached_target_code_teaches_through_the_prediction_alone(
  predictions,
):
  """All labels are there: the target depends on the auto-encoder alone."""
  labels = batch.make_labels(np.ones_like(batch.PRESENT))
  both = batch.report(PAPER, predictions, labels).gradients["jtr_distance"]
  one = batch.report(
    paper(detach_target_code=True), predictions, labels
  ).gradients["jtr_distance"]
  chex.assert_trees_all_close(one[1], both[1], rtol=1e-4, atol=1e-7)
  differ = jax.tree.map(lambda a, b: not np.allclose(a, b), one[0], both[0])
  assert any(jax.tree.leaves(differ["trunk"]["encoder0"]))


@pytest.mark.parametrize("unpooling", ["positions", "nearest"])
def test_positions_of_the_maxima_pass_by_the_bottleneck(unpooling):
  trunk = SegNet((4,), statistics="image", unpooling=unpooling)
  autoencoder = AutoEncoder(trunk, Head(2))
  params, state = autoencoder.init(jax.random.key(0), (8, 8, 2))
  joint = jax.random.normal(jax.random.key(1), (2, 8, 8, 2))
  _, rebuilt, _ = autoencoder(
    params, state, joint, change=joint_space.mean_code
  )
  same = bool(jnp.allclose(rebuilt[0], rebuilt[1], atol=1e-5))
  assert same == (unpooling == "nearest")


@pytest.mark.parametrize(
  "settings", [PAPER, RELEASED], ids=["paper", "official"]
)
def test_diagnosis_is_of_the_losses(predictions, labels, settings):
  variables = batch.make_variables(batch.make_autoencoder())
  inputs = batch.make_input(predictions, labels)
  method = batch.make_method(settings)
  found = method.diagnose(*variables, inputs)
  output = method.losses(*variables, inputs)
  tasks = sum(float(x.sum.mean()) for x in output.task_losses.values())
  assert float(found.tasks) == pytest.approx(tasks, rel=1e-5)
  if settings is PAPER:
    distance = float(output.regularizers["jtr_distance"].mean())
    assert float(found.regularizer) == pytest.approx(distance, rel=1e-5)
    rebuilt = float(output.regularizers["jtr_reconstruction"].mean())
    numbers = found.numbers
    assert 2 * float(numbers["reconstruction"]) == pytest.approx(
      rebuilt, rel=1e-5
    )
  assert float(found.numbers["distance_between_images"]) > 0
