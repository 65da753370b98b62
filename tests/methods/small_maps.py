"""Small pairwise mappings, and what of them has a gradient."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from jtr_jax.methods import pair_codes, task_pairs
from jtr_jax.methods.cross_task_maps import MapSettings, cross_task_maps
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.models.segnet import Head, SegNet
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ONE, TASKS, TWO

DIRECT = MapSettings(relaxation="straight_through")
SETTINGS = {
  "direct": DIRECT,
  "features": dataclasses.replace(DIRECT, space="features"),
  "perceptual": dataclasses.replace(DIRECT, space="perceptual"),
}
PAIRS = [tuple(pair) for pair in task_pairs.ordered_pairs(3)]
OCCURRING = [(0, 1), (0, 2), (1, 0), (2, 0)]

every_space = pytest.mark.parametrize("space", SETTINGS)
through_unlabelled_tasks = pytest.mark.parametrize(
  "space", ["direct", "features"]
)


def make_mapping():
  trunk = SegNet((4,), statistics="image", running=False)
  return AutoEncoder(trunk, Head(batch.CLASSES))


@functools.cache
def make_method(settings, tasks=TASKS):
  return cross_task_maps(tasks, make_mapping(), settings)


@functools.cache
def params():
  init = functools.partial(make_method(DIRECT).init, size=batch.SIZE)
  return batch.draw_variables(init)[0]


@functools.cache
def reporter(settings):
  return batch.differentiator(make_method(settings))


def is_zero(tree):
  return not any(np.any(leaf) for leaf in jax.tree.leaves(tree))


def pairs_reached(slopes):
  """Return the pairs whose mapping has a gradient."""
  return [
    pair
    for index, pair in enumerate(PAIRS)
    if not is_zero(jax.tree.map(lambda x, i=index: x[i], slopes))
  ]


def predictions_reached(slopes):
  """Return bool[V, B, task]."""
  columns = [np.any(slopes[task.name], axis=(2, 3, 4)) for task in TASKS]
  return np.stack(columns, axis=-1)


def unlabelled_beside_labels():
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[0, [ONE, TWO]] = ~batch.PRESENT[[ONE, TWO]]
  return expected


def code_of(task, prediction=None, label=None):
  """Return the code of a prediction or of a label, padded to the widest."""
  if label is None:
    code = pair_codes.encode_prediction(
      task,
      prediction,
      "joint",
      relaxation="straight_through",
      key=batch.KEY,
    )
  else:
    code = joint_tensor.encode_label(task, label, label.mask, "zero")
  missing = batch.CLASSES - code.shape[-1]
  return np.pad(code, [(0, 0)] * 3 + [(0, missing)])
