import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods.supervised import label_shares, supervised
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO

pytestmark = pytest.mark.usefixtures("quick_compilation")


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
  ("share", "counts"), [("image", {TWO: 1 / 2, ALL: 1 / 3}), ("sum", {TWO: 1})]
)
def test_share_of_a_label(predictions, labels, share, counts):
  output = evaluate(predictions, labels, share=share).output
  loss = output.task_losses["depth"]
  for image, count in counts.items():
    expected = count * depth_error(predictions, labels, image)
    chex.assert_trees_all_close(float(loss.sum[image]), expected, rtol=1e-5)
    chex.assert_trees_all_close(float(loss.weight[image]), count, rtol=1e-6)
  chex.assert_trees_all_equal(
    np.asarray(loss.weight > 0), np.array([False, True, False, True])
  )
  assert not loss.sum[np.array([ONE, NONE])].any()


def test_shares_are_those_of_equation_1(labels):
  labels = {name: jax.tree.map(lambda x: x[0], v) for name, v in labels.items()}
  expected = np.float32([1, 1 / 2, 0, 1 / 3])
  chex.assert_trees_all_close(label_shares(labels, "image"), expected)
  chex.assert_trees_all_equal(label_shares(labels, "sum"), np.ones(4, "f4"))


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


def test_a_label_without_a_valid_pixel_counts_nothing(predictions, labels):
  depth = labels["depth"]
  empty = {
    **labels,
    "depth": depth.__class__(
      depth.value, jnp.zeros_like(depth.valid), depth.present
    ),
  }
  report = evaluate(predictions, empty)
  chex.assert_tree_all_finite(report)
  assert not report.output.task_losses["depth"].weight.any()
  # It still is one of the labels that Eq. (1) counts.
  chex.assert_trees_all_equal(
    report.output.task_losses["normals"],
    evaluate(predictions, labels).output.task_losses["normals"],
  )


def test_nothing_but_the_losses(predictions, labels):
  method = supervised(TASKS)
  assert [view.parent for view in method.views] == [None]
  assert method.init(batch.KEY, batch.SIZE) == ({}, {})
  inputs = batch.make_input(predictions, labels)
  assert method.reconstructions({}, {}, inputs) == {}
  output = evaluate(predictions, labels).output
  assert (output.regularizers, output.state) == ({}, {})
