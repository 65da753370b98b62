import functools

import chex
import jax
import numpy as np
import pytest

from jtr_jax.core.types import ViewSpec
from jtr_jax.methods.consistency import consistency
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO


@functools.cache
def differentiated(**settings):
  return batch.differentiator(consistency(TASKS, **settings))


def evaluate(predictions, labels, **settings):
  return differentiated(**settings)({}, {}, predictions, labels)


@pytest.fixture(scope="module")
def report(predictions, labels):
  return evaluate(predictions, labels)


def squared_distances(predictions):
  """Return f[B, task]: between views 0 and 1, the mean over the pixels."""
  scores = np.exp(predictions["segmentation"])
  compared = dict(predictions)
  compared["segmentation"] = scores / scores.sum(-1, keepdims=True)
  columns = []
  for task in TASKS:
    first, second = compared[task.name][:2]
    square = np.square(first - second).sum(-1)
    columns.append(square.mean((1, 2)))
  return np.stack(columns, axis=-1)


def test_mean_over_the_unlabelled_tasks(predictions, report):
  distances = squared_distances(predictions)
  term = report.output.regularizers["consistency"]
  expected = {
    ONE: distances[ONE, 1:].mean(),
    TWO: distances[TWO, 0],
    NONE: distances[NONE].mean(),
    ALL: 0,
  }
  chex.assert_trees_all_close(
    term, np.float32([expected[image] for image in range(4)]), rtol=1e-4
  )


def test_weight(predictions, labels, report):
  doubled = evaluate(predictions, labels, weight=2.0).output
  chex.assert_trees_all_close(
    doubled.regularizers["consistency"],
    2 * report.output.regularizers["consistency"],
  )
  chex.assert_trees_all_equal(doubled.task_losses, report.output.task_losses)


def test_only_unlabelled_tasks_get_its_gradient(report):
  _, slopes = report.gradients["consistency"]
  for column, task in enumerate(TASKS):
    reached = np.any(slopes[task.name] != 0, axis=(2, 3, 4))
    absent = ~batch.PRESENT[:, column]
    chex.assert_trees_all_equal(reached[:2], np.stack([absent, absent]))
    assert not reached[2:].any()


def test_hidden_values_do_not_matter(predictions, labels, report):
  chex.assert_tree_all_finite(report)
  poisoned = evaluate(predictions, batch.poison(labels))
  chex.assert_trees_all_equal(poisoned, report)


def test_equal_views_agree(predictions, labels):
  equal = jax.tree.map(lambda x: x.at[1].set(x[0]), predictions)
  output = evaluate(equal, labels).output
  assert not output.regularizers["consistency"].any()


def test_views_differ_in_colour_alone():
  first, second = consistency(TASKS).views
  assert first.parent is None
  assert second == ViewSpec(0, geometric=False)
