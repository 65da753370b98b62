"""A small MTPSL, and the same term one pair at a time."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from jtr_jax.methods import pair_codes, task_pairs
from jtr_jax.methods.mtpsl import PAPER, RELEASED, mtpsl
from jtr_jax.methods.supervised import view
from jtr_jax.models.mapping import Chosen, MappingInput, MappingNet
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import TASKS

SETTINGS = {"paper": PAPER, "released": RELEASED}
VIEW = {"paper": 0, "released": 1}  # of the cross-task term
ABSENT = [3, 5]  # depth -> normals and back: no image has these pairs

every_variant = pytest.mark.parametrize("variant", SETTINGS)


def make_mapping(tasks=TASKS):
  return MappingNet(tuple(task.name for task in tasks), filters=(4,))


@functools.cache
def make_method(settings, tasks=TASKS):
  return mtpsl(tasks, make_mapping(tasks), settings, steps_per_epoch=10.0)


@functools.cache
def params():
  init = functools.partial(make_method(PAPER).init, size=batch.SIZE)
  return batch.draw_variables(init)[0]


@functools.cache
def reporter(settings):
  return batch.differentiator(make_method(settings))


@functools.cache
def compiled(settings):
  return jax.jit(make_method(settings).losses)


def cross_task(settings, predictions, labels, own=None, **given):
  inputs = batch.make_input(predictions, labels, **given)
  output = compiled(settings)(params() if own is None else own, {}, inputs)
  return output.regularizers["cross_task"]


def noiseless(**changes):
  return dataclasses.replace(
    PAPER, **{"relaxation": "straight_through", **changes}
  )


@functools.cache
def map_one():
  """Return the mapping network for a single code, task and pair."""
  mapping, own = make_mapping(), params()

  @jax.jit
  def run(codes, task, pair):
    chosen = Chosen(
      jax.nn.one_hot(task, len(TASKS))[None, None],
      jax.nn.one_hot(pair, 6)[None, None],
    )
    given = MappingInput(codes, chosen)
    return mapping.apply({"params": own}, given, train=True)[0, 0]

  return run


def distance(a, b):
  """Return 1 - cos over channels, averaged over places."""
  a, b = (np.asarray(x, np.float64) for x in (a, b))
  lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
  cosine = np.sum(a * b, axis=-1) / np.where(lengths == 0, 1, lengths)
  return np.mean(1 - cosine)


def pairs_of(present, all_pairs):
  """Yield (number, source, target) of the pairs that an image has."""
  for number, (s, t) in enumerate(task_pairs.ordered_pairs(3)):
    if (present[t] and not present[s]) or (all_pairs and all(present)):
      yield number, s, t


def pair_by_pair(predictions, labels, regularizer_weight, all_pairs=False):
  """Return f64[B], one image and one pair at a time."""
  codes = pair_codes.encode(
    TASKS,
    view(predictions, 0),
    view(labels, 0),
    "joint",
    relaxation="straight_through",
    key=batch.KEY,
  )
  features = batch.make_features().bottleneck[0]
  totals = np.zeros(len(batch.PRESENT))
  for image, present in enumerate(batch.PRESENT):
    own = jax.tree.map(lambda code, i=image: code[i : i + 1], codes)
    pairs = list(pairs_of(present, all_pairs))
    for number, s, t in pairs:
      points = [
        map_one()(own.predictions, s, number),
        map_one()(own.labels, t, number),
      ]
      totals[image] += distance(*points)
      for point in points:
        totals[image] += regularizer_weight * distance(point, features[image])
    totals[image] /= max(1, len({s for _, s, _ in pairs}))
  return totals
