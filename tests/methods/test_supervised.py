import dataclasses
import functools

import chex
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods.supervised import label_weight, supervised
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO


@functools.cache
def differentiated(**settings):
  return batch.differentiator(supervised(TASKS, **settings))


def evaluate(predictions, labels, **settings):
  return differentiated(**settings)({}, {}, predictions, labels)


def depth_error(predictions, labels, image):
  """Return the mean absolute error over the valid pixels of view 0."""
  label = labels["depth"]
  error = np.abs(predictions["depth"] - label.value)[0, image, ..., 0]
  return error[np.asarray(label.valid[0, image])].mean()


@pytest.mark.parametrize(
  ("label_weighting", "counts"),
  [("image", {TWO: 1 / 2, ALL: 1 / 3}), ("sum", {TWO: 1})],
)
def test_weight_of_a_label(predictions, labels, label_weighting, counts):
  output = evaluate(predictions, labels, label_weighting=label_weighting).output
  loss = output.task_losses["depth"]
  for image, count in counts.items():
    expected = count * depth_error(predictions, labels, image)
    chex.assert_trees_all_close(float(loss.sum[image]), expected, rtol=1e-5)
    chex.assert_trees_all_close(float(loss.weight[image]), count, rtol=1e-6)
  chex.assert_trees_all_equal(
    np.asarray(loss.weight > 0), np.array([False, True, False, True])
  )
  assert not loss.sum[np.array([ONE, NONE])].any()


def test_weights_are_those_of_equation_1():
  expected = np.float32([1, 1 / 2, 0, 1 / 3])
  chex.assert_trees_all_close(label_weight(batch.PRESENT.T, "image"), expected)
  chex.assert_trees_all_equal(
    label_weight(batch.PRESENT.T, "sum"), np.ones(4, "f4")
  )


def test_only_valid_pixels_of_labelled_images_get_a_gradient(
  predictions, labels
):
  _, slopes = evaluate(predictions, labels).gradients["supervised"]
  for task in TASKS:
    reached = np.any(slopes[task.name] != 0, axis=-1)
    chex.assert_trees_all_equal(reached[0], labels[task.name].mask[0])
    assert not reached[1:].any()


def test_hidden_values_do_not_matter(predictions, labels):
  clean = evaluate(predictions, labels)
  chex.assert_tree_all_finite(clean)
  poisoned = evaluate(predictions, batch.poison(labels))
  chex.assert_trees_all_equal(poisoned, clean)


def without_a_valid_pixel(labels, task):
  label = labels[task]
  empty = dataclasses.replace(label, valid=jnp.zeros_like(label.valid))
  return {**labels, task: empty}


@pytest.mark.parametrize("label_weighting", ["image", "sum"])
def test_a_label_without_a_valid_pixel_counts_as_absent(
  predictions, labels, label_weighting
):
  empty = without_a_valid_pixel(labels, "depth")
  report = evaluate(predictions, empty, label_weighting=label_weighting)
  chex.assert_tree_all_finite(report)
  absent = {
    **labels,
    "depth": dataclasses.replace(
      labels["depth"], present=jnp.zeros_like(labels["depth"].present)
    ),
  }
  chex.assert_trees_all_equal(
    report, evaluate(predictions, absent, label_weighting=label_weighting)
  )
  normals = report.output.task_losses["normals"]
  expected = {"image": [0, 1, 0, 1 / 2], "sum": [0, 1, 0, 1]}[label_weighting]
  chex.assert_trees_all_close(normals.weight, np.float32(expected))


def test_a_label_without_a_class_or_a_direction_counts_as_absent(
  predictions, labels
):
  """A valid pixel may still count nowhere: an unknown class, a zero vector."""
  nothing = {
    **labels,
    "segmentation": dataclasses.replace(
      labels["segmentation"],
      value=jnp.full_like(labels["segmentation"].value, -1),
    ),
    "normals": dataclasses.replace(
      labels["normals"], value=jnp.zeros_like(labels["normals"].value)
    ),
  }
  losses = evaluate(predictions, nothing).output.task_losses
  chex.assert_trees_all_close(losses["depth"].weight, np.float32([0, 1, 0, 1]))


def test_nothing_but_the_losses(predictions, labels):
  method = supervised(TASKS)
  assert [view.parent for view in method.views] == [None]
  assert method.init(batch.KEY, batch.SIZE) == ({}, {})
  inputs = batch.make_input(predictions, labels)
  assert method.pictures({}, {}, inputs) == {}
  output = evaluate(predictions, labels).output
  assert (output.regularizers, output.state) == ({}, {})
