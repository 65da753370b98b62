"""What must hold for every kind of task."""

import functools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.binary import Binary
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.colours import INVALID
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.edges import Edges
from jtr_jax.tasks.human_parts import HumanParts
from jtr_jax.tasks.multilabel import MultiLabel
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.regression import Regression
from jtr_jax.tasks.saliency import Saliency
from jtr_jax.tasks.scalar import Scalar
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.tasks.soft_labels import SoftLabels
from tests.config_files import ROOT

TASKS = (
  Segmentation("segmentation", 4),
  HumanParts("parts", 3),
  Depth("depth"),
  InverseDepth("disparity"),
  Normals("normals"),
  Regression("reshading"),
  Regression("colour", channels=3),
  Saliency("saliency"),
  Edges("edges"),
  Classification("scene", 4),
  MultiLabel("objects", 3),
  Scalar("brightness"),
  SoftLabels("soft", 4),
  SoftLabels("tokens", 5, cells=(2, 3), top=2),
)


def shape_of(task):
  """Return the shape of a batch of masks."""
  return (3, *(task.grid or (4, 5)))


every_task = pytest.mark.parametrize("task", TASKS, ids=lambda t: t.name)


@functools.partial(jax.jit, static_argnums=0)
def loss_and_gradient(task, prediction, label):
  def total(prediction):
    loss = task.loss(prediction, label)
    return jnp.sum(loss.sum), loss

  (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(prediction)
  return loss, gradient


@functools.partial(jax.jit, static_argnums=0)
def reconstruction_and_gradient(task, reconstruction, target, mask):
  def total(reconstruction):
    loss = task.reconstruction_loss(reconstruction, target, mask)
    return jnp.sum(loss.sum), loss

  (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(reconstruction)
  return loss, gradient


@functools.partial(jax.jit, static_argnums=(0, 2))
def encoded_and_gradient(task, prediction, relaxation, key):
  def total(prediction):
    encoded = task.joint_prediction(prediction, relaxation=relaxation, key=key)
    return jnp.sum(jnp.square(encoded)), encoded

  (_, encoded), gradient = jax.value_and_grad(total, has_aux=True)(prediction)
  return encoded, gradient


metric_sums = jax.jit(
  lambda task, prediction, label: task.metric_sums(prediction, label),
  static_argnums=0,
)


def make_value(task, shape, random):
  """Return a random label without holes."""
  if isinstance(task, SoftLabels):
    shares = random.dirichlet(np.ones(task.num_classes), shape)
    return task.output_value(np.log(shares.astype(np.float32)))
  if isinstance(task, Segmentation):
    return random.integers(0, task.num_classes, shape).astype(np.int32)
  if isinstance(task, Binary):
    return random.integers(0, 2, (*shape, 1)).astype(np.float32)
  if isinstance(task, MultiLabel):
    return random.integers(0, 2, (*shape, task.channels)).astype(np.float32)
  return random.uniform(0.1, 1, (*shape, task.channels)).astype(np.float32)


def make_label(task, seed=0):
  random = np.random.default_rng(seed)
  shape = shape_of(task)
  value = make_value(task, shape, random)
  valid = random.random(shape) < 0.7
  if shape[1:] == (1, 1):
    valid[[0, 2]] = True  # there is no other pixel
  present = np.array([True, False, True])
  return Label(jnp.asarray(value), jnp.asarray(valid), jnp.asarray(present))


def make_prediction(task, seed=1):
  shape = (*shape_of(task), task.channels)
  raw = np.random.default_rng(seed).normal(size=shape)
  return task.activate(jnp.asarray(raw, jnp.float32))


def logits_of(task, joint):
  """Return what is activated to a joint encoding, if that is a probability."""
  if isinstance(task, Segmentation):
    return jnp.log(jnp.maximum(joint, 1e-26))
  if isinstance(task, Binary | MultiLabel):
    return 60 * (2 * joint - 1)
  return joint


def perfect_prediction(task, label):
  if isinstance(task, Segmentation | Binary | MultiLabel):
    return logits_of(task, task.joint_label(label.value))
  return task.activate(label.value)


def poisoned(label):
  """Return the label with nonsense wherever it does not count."""
  is_ids = jnp.issubdtype(label.value.dtype, jnp.integer)
  nonsense = -(2**31) if is_ids else jnp.nan
  mask = label.mask if is_ids else label.mask[..., None]
  value = jnp.where(mask, label.value, nonsense)
  return Label(value, label.valid, label.present)


def take(tree, images):
  return jax.tree.map(lambda x: x[images], tree)


@every_task
def test_is_frozen_and_hashable(task):
  assert hash(task) == hash(type(task)(**vars(task)))
  assert task.primary_metric in task.metrics
  with pytest.raises(AttributeError):
    task.name = "other"


@every_task
def test_perfect_prediction_is_the_minimum(task):
  label = make_label(task)
  perfect = perfect_prediction(task, label)
  best = loss_and_gradient(task, perfect, label)[0]
  chex.assert_trees_all_close(best.sum, jnp.zeros(3), atol=1e-5)
  for seed in range(3):
    worse = loss_and_gradient(task, make_prediction(task, seed), label)[0]
    assert np.all((worse.sum > best.sum) == label.present)


@every_task
def test_hidden_pixels_reach_neither_value_nor_gradient(task):
  label, prediction = make_label(task), make_prediction(task)
  mask = label.mask[..., None]
  clean = loss_and_gradient(task, prediction, label)
  dirty = loss_and_gradient(
    task, jnp.where(mask, prediction, jnp.nan), poisoned(label)
  )
  chex.assert_trees_all_equal(clean, dirty)
  assert np.all(np.asarray(clean[1])[~np.asarray(label.mask)] == 0)
  assert np.any(np.asarray(clean[1]) != 0)


@every_task
def test_hidden_pixels_do_not_reach_the_metrics(task):
  label, prediction = make_label(task), make_prediction(task)
  dirty = jnp.where(label.mask[..., None], prediction, jnp.nan)
  chex.assert_trees_all_equal(
    metric_sums(task, prediction, label),
    metric_sums(task, dirty, poisoned(label)),
  )


@every_task
def test_empty_mask_has_no_loss_and_a_finite_gradient(task):
  label = make_label(task)
  empty = Label(label.value, label.valid & False, label.present)
  loss, gradient = loss_and_gradient(task, make_prediction(task), empty)
  chex.assert_trees_all_equal(loss.sum, jnp.zeros(3))
  chex.assert_trees_all_equal(loss.weight, jnp.zeros(3))
  assert loss.mean() == 0
  assert np.all(np.asarray(gradient) == 0)
  totals = jax.device_get(metric_sums(task, make_prediction(task), empty))
  values = task.metric_values(totals)
  assert set(values) == set(task.metrics)
  assert all(np.isnan(value) for value in values.values())


@every_task
def test_weight_counts_the_valid_pixels_of_labelled_images(task):
  label = make_label(task)
  loss, _ = loss_and_gradient(task, make_prediction(task), label)
  chex.assert_trees_all_equal(
    loss.weight, jnp.sum(label.mask, axis=(1, 2), dtype=jnp.float32)
  )
  assert loss.weight[1] == 0
  assert loss.weight[0] > 0


@every_task
def test_what_counts_is_part_of_the_mask(task):
  label = make_label(task)
  counted = task.counted(label)
  chex.assert_shape(counted, shape_of(task))
  assert counted.dtype == jnp.bool_
  assert not np.any(counted & ~label.mask)
  chex.assert_trees_all_equal(counted, task.counted(poisoned(label)))


@every_task
def test_batch_equals_its_images_in_any_order(task):
  label, prediction = make_label(task), make_prediction(task)
  batch = loss_and_gradient(task, prediction, label)
  order = jnp.array([2, 0, 1])
  shuffled = loss_and_gradient(task, *take((prediction, label), order))
  chex.assert_trees_all_equal(take(batch, order), shuffled)
  sums = metric_sums(task, prediction, label)
  parts = []
  for i in range(3):
    image = take((prediction, label), slice(i, i + 1))
    alone = loss_and_gradient(task, *image)
    chex.assert_trees_all_close(take(batch, slice(i, i + 1)), alone, rtol=1e-6)
    parts.append(metric_sums(task, *image))
  added = jax.tree.map(lambda *x: sum(x), *parts)
  chex.assert_trees_all_close(sums, added, rtol=1e-5)


@every_task
def test_half_precision_predictions_are_summed_in_float32(task):
  label, prediction = make_label(task), make_prediction(task)
  half = prediction.astype(jnp.bfloat16)
  loss, gradient = loss_and_gradient(task, half, label)
  exact, _ = loss_and_gradient(task, half.astype(jnp.float32), label)
  assert loss.sum.dtype == loss.weight.dtype == jnp.float32
  assert gradient.dtype == jnp.bfloat16
  chex.assert_trees_all_close(loss, exact, rtol=1e-6)
  assert task.activate(half).dtype == jnp.float32
  assert task.comparable(half).dtype == jnp.float32
  for value in metric_sums(task, half, label).values():
    assert value.dtype in (jnp.int32, jnp.float32)


@pytest.mark.parametrize(
  ("task", "relaxation"),
  [(TASKS[0], "gumbel"), (TASKS[0], "softmax")]
  + [(task, "straight_through") for task in TASKS],
  ids=lambda x: x if isinstance(x, str) else x.name,
)
def test_joint_encoding_is_finite_and_of_the_promised_size(task, relaxation):
  label, prediction = make_label(task), make_prediction(task)
  key = jax.random.key(0)

  encoded, gradient = encoded_and_gradient(task, prediction, relaxation, key)
  chex.assert_shape(encoded, (*shape_of(task), task.joint_channels))
  chex.assert_equal_shape([encoded, task.joint_label(label.value)])
  chex.assert_equal_shape([prediction, task.comparable(prediction)])
  chex.assert_tree_all_finite((encoded, gradient))
  assert np.any(np.asarray(gradient) != 0)


@every_task
def test_perfect_prediction_is_encoded_like_its_label(task):
  label = make_label(task)
  soft = isinstance(task, SoftLabels)
  encoded = task.joint_prediction(
    perfect_prediction(task, label),
    relaxation="softmax" if soft else "straight_through",
    key=jax.random.key(0),
  )
  expected = task.joint_label(label.value)
  chex.assert_trees_all_close(encoded, expected, atol=1e-6)
  assert np.all((np.asarray(expected) >= 0) & (np.asarray(expected) <= 1))


@every_task
def test_reconstruction_loss_is_zero_for_the_target_only(task):
  label = make_label(task)
  target = task.joint_label(label.value)
  right = logits_of(task, target)
  loss, _ = reconstruction_and_gradient(task, right, target, label.mask)
  chex.assert_trees_all_close(loss.sum, jnp.zeros(3), atol=1e-5)
  wrong = -right if task.grid == (1, 1) else jnp.flip(right, axis=2)
  loss, _ = reconstruction_and_gradient(task, wrong, target, label.mask)
  assert np.all((loss.sum > 0.01) == label.present)


@every_task
def test_hidden_pixels_do_not_reach_the_reconstruction_loss(task):
  label = make_label(task)
  target, raw = task.joint_label(label.value), make_prediction(task)
  hide = lambda x: jnp.where(label.mask[..., None], x, jnp.nan)
  clean = reconstruction_and_gradient(task, raw, target, label.mask)
  dirty = reconstruction_and_gradient(task, hide(raw), hide(target), label.mask)
  chex.assert_trees_all_equal(clean, dirty)
  chex.assert_tree_all_finite(clean)
  nothing = reconstruction_and_gradient(task, raw, target, label.mask & False)
  chex.assert_trees_all_equal(nothing, jax.tree.map(jnp.zeros_like, nothing))


@every_task
def test_pictures_show_the_invalid_in_dark_grey(task):
  label = jax.device_get(make_label(task))
  value, valid = label.value[0], label.valid[0]
  is_ids = np.issubdtype(value.dtype, np.integer)
  holes = np.where(
    valid if is_ids else valid[..., None], value, -1 if is_ids else np.nan
  )
  guess = task.output_value(np.asarray(make_prediction(task)))[0]
  assert guess.shape == value.shape
  for picture in (task.picture(holes), task.error_picture(guess, holes)):
    assert picture.shape == (*shape_of(task)[1:], 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal((picture == INVALID).all(-1), ~valid)
  right = task.error_picture(value, value)
  assert np.all(right == right[0, 0])
  assert np.any(task.error_picture(guess, value) != right)


@every_task
def test_picture_of_the_joint_encoding_looks_like_the_label(task):
  value = make_label(task).value[0]
  joint = np.array(task.joint_label(value))
  picture = task.picture(np.asarray(value)).astype(int)
  difference = np.abs(task.picture_joint(joint) - picture)
  assert difference.max() <= 3
  joint[0, 0] = np.nan
  assert tuple(task.picture_joint(joint)[0, 0]) == INVALID


@every_task
def test_pseudo_label_is_a_label_of_the_prediction(task):
  prediction = make_prediction(task).at[1, 0].set(jnp.nan)
  value, valid = task.pseudo_label(prediction, confidence=0.0)
  assert valid.shape == shape_of(task)
  assert not valid[1, 0].any()
  assert valid.any()
  expected = task.output_value(np.asarray(prediction))
  if isinstance(task, Binary | MultiLabel):
    expected = np.rint(expected)  # labels are hard
  assert value.shape == expected.shape
  assert value.dtype == expected.dtype
  counted = np.asarray(valid)
  np.testing.assert_allclose(
    np.asarray(value)[counted], expected[counted], rtol=1e-6
  )


def test_the_page_describes_every_kind():
  page = (ROOT / "docs" / "tasks.md").read_text()
  rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE)
  assert {kind for kind, _ in rows} == {task.kind for task in TASKS}
  described = dict(rows)
  for task in TASKS:
    if described[task.kind] != "the same":
      names = re.findall(r"`([\w.]+)`", described[task.kind])
      assert set(names) <= set(task.metrics)
      assert names[0] == task.primary_metric
