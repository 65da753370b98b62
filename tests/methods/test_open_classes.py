"""Every method with labels that leave several classes possible."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods.consistency import consistency
from jtr_jax.methods.cross_task_maps import MapSettings, cross_task_maps
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.methods.jtr.jtr import jtr
from jtr_jax.methods.jtr.settings import PAPER, RELEASED
from jtr_jax.methods.mtpsl import PAPER as MTPSL
from jtr_jax.methods.mtpsl import mtpsl
from jtr_jax.methods.supervised import supervised, view
from jtr_jax.models.mapping import MappingNet
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.segmentation import Segmentation
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, ONE

SET = batch.CLASSES  # the id of the set {0, 2}
PLAIN = batch.TASKS[:2]
TASKS = (
  Segmentation("segmentation", batch.CLASSES, sets=((0, 2),)),
  batch.TASKS[1],
)
NAMES = tuple(task.name for task in TASKS)
SOFT = dataclasses.replace(PAPER, relaxation="softmax")


def make_maps(tasks):
  trunk = SegNet((4,), statistics="image", running=False)
  settings = MapSettings(relaxation="straight_through")
  return cross_task_maps(
    tasks, AutoEncoder(trunk, Head(batch.CLASSES)), settings
  )


METHODS = {
  "supervised": supervised,
  "consistency": consistency,
  "jtr": lambda tasks: jtr(tasks, batch.make_autoencoder(tasks), SOFT),
  "mtpsl": lambda tasks: mtpsl(
    tasks, MappingNet(NAMES, filters=(4,)), MTPSL, steps_per_epoch=10.0
  ),
  "cross_task_maps": make_maps,
}

every_method = pytest.mark.parametrize("name", METHODS)


@functools.cache
def reporter(name, tasks):
  method = METHODS[name](tasks)
  variables = batch.draw_variables(lambda key: method.init(key, batch.SIZE))
  return functools.partial(batch.differentiator(method), *variables)


@pytest.fixture(scope="module")
def predictions():
  return batch.make_predictions(TASKS)


@pytest.fixture(scope="module")
def labels():
  return batch.make_labels(tasks=TASKS)


@pytest.fixture(scope="module")
def opened(labels):
  """The labels with every second column of the segmentation left open."""
  label = labels["segmentation"]
  value = label.value.at[..., ::2].set(SET)
  return {**labels, "segmentation": dataclasses.replace(label, value=value)}


@every_method
def test_single_classes_give_the_numbers_of_ordinary_labels(
  name, predictions, labels
):
  """Labels that could be open and are not; programs may round differently."""
  chex.assert_trees_all_close(
    reporter(name, TASKS)(predictions, labels),
    reporter(name, PLAIN)(predictions, labels),
    rtol=2e-4,
    atol=2e-6,
  )


@every_method
def test_open_labels_have_finite_gradients_that_nothing_hidden_reaches(
  name, predictions, opened
):
  report = reporter(name, TASKS)(predictions, opened)
  chex.assert_tree_all_finite(report)
  poisoned = reporter(name, TASKS)(predictions, batch.poison(opened))
  chex.assert_trees_all_equal(poisoned, report)


def target_of(predictions, labels, stacking=joint_tensor.PAPER):
  """Return the target tensor of view 0, its segmentation, f32[B, H, W, C]."""
  predictions, labels = view(predictions, 0), view(labels, 0)
  mask = joint_tensor.common_mask(TASKS, labels)
  encoded = joint_tensor.encode_predictions(
    TASKS,
    joint_tensor.restricted(TASKS, predictions, labels),
    mask,
    stacking,
    relaxation="softmax",
    key=batch.KEY,
  )
  target = joint_tensor.target_tensor(TASKS, encoded, labels, mask, stacking)
  return target[..., : batch.CLASSES], mask


def test_jtr_substitutes_class_by_class(predictions, labels, opened):
  """Known classes are the label's, and the rest is shared as predicted."""
  target, mask = target_of(predictions, opened)
  logits = np.asarray(predictions["segmentation"][0], np.float64)
  shares = np.exp(logits) * [1, 0, 1]
  shares /= shares.sum(-1, keepdims=True)
  one_hot = np.eye(batch.CLASSES)[np.asarray(labels["segmentation"].value[0])]
  expected = one_hot
  expected[:, :, ::2] = shares[:, :, ::2]
  for image in (ONE, ALL):
    where = np.asarray(mask[image])
    np.testing.assert_allclose(
      target[image][where], expected[image][where], atol=1e-6
    )
    assert np.all(target[image][~where] == 0)


def test_jtr_draws_the_terms_from_what_is_open(predictions, labels, opened):
  report = reporter("jtr", TASKS)
  one = report(predictions, labels).output.regularizers["jtr_distance"]
  two = report(predictions, opened).output.regularizers["jtr_distance"]
  assert np.all(np.asarray(one != two)[[ONE, ALL]])


def test_consistency_compares_open_classes(predictions, opened):
  """At open pixels, given that the class is one of the set."""
  report = reporter("consistency", TASKS)(predictions, opened)
  label = opened["segmentation"]
  is_open = np.asarray(label.valid[0, ALL]) & (
    np.arange(batch.SIZE[1]) % 2 == 0
  )
  logits = np.asarray(predictions["segmentation"][:2, ALL], np.float64)
  shares = np.exp(logits) * [1, 0, 1]
  shares /= shares.sum(-1, keepdims=True)
  squared = np.square(shares[0] - shares[1]).sum(-1)
  np.testing.assert_allclose(
    report.output.regularizers["consistency"][ALL],
    squared[is_open].mean(),
    rtol=1e-5,
  )


def test_gradients_do_not_reach_what_labels_rule_out(predictions, opened):
  """The consistency of an image pulls at no impossible class."""
  _, slopes = reporter("consistency", TASKS)(predictions, opened).gradients[
    "consistency"
  ]
  slope = np.asarray(slopes["segmentation"])[:2, ALL]
  assert np.all(slope[..., 1] == 0)
  assert np.any(slope[..., 0] != 0)


def test_the_released_reconstruction_needs_single_classes():
  with pytest.raises(ValueError, match="sets of classes in segmentation"):
    jtr(TASKS, batch.make_autoencoder(TASKS), RELEASED)


def test_known_classes_travel_with_the_labels(opened):
  label = opened["segmentation"]
  known = jnp.ones((*label.present.shape, batch.CLASSES), bool)
  own = dataclasses.replace(label, known=known)
  chex.assert_shape(view(own, 0).known, (4, batch.CLASSES))
  assert len(jax.tree.leaves(own)) == len(jax.tree.leaves(label)) + 1
