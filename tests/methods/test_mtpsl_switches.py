"""Each switch of MTPSL: both behaviours."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.methods import mtpsl, pair_codes
from jtr_jax.methods.mtpsl import PAPER, RELEASED
from jtr_jax.models.mapping import MappingNet
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ONE, TASKS, TWO

NAMES = tuple(task.name for task in TASKS)
BASE = dataclasses.replace(PAPER, relaxation="straight_through")
KEY = jax.random.key(0)


@functools.cache
def make_method(settings, width=4, dtype=jnp.float32):
  mapping = MappingNet(NAMES, (width,), dtype)
  return mtpsl.mtpsl(TASKS, mapping, settings, steps_per_epoch=10.0)


@functools.cache
def params(width=4):
  init = functools.partial(make_method(BASE, width).init, size=batch.SIZE)
  return batch.draw_variables(init)[0]


@functools.cache
def output(step=0, width=4, dtype=jnp.float32, **changes):
  settings = dataclasses.replace(BASE, **changes)
  inputs = batch.make_input(
    batch.make_predictions(), batch.make_labels(), step=step
  )
  method = make_method(settings, width, dtype)
  return jax.jit(method.losses)(params(width), {}, inputs)


def term(**given):
  return np.asarray(output(**given).regularizers["cross_task"], np.float64)


def test_weight():
  chex.assert_trees_all_close(term(weight=1.0) * 2, term(), rtol=1e-5)


def test_a_pair_counts_its_share_of_the_unlabelled_tasks():
  ratio = term(pair_weighting="sum")[[ONE, TWO]] / term()[[ONE, TWO]]
  chex.assert_trees_all_close(ratio, np.array([2.0, 1.0]), rtol=1e-5)


@pytest.mark.parametrize(
  ("label_weighting", "count"), [("image", 1 / 2), ("sum", 1.0)]
)
def test_weight_of_a_label_among_others(label_weighting, count):
  weights = output(label_weighting=label_weighting).task_losses["depth"].weight
  assert float(weights[TWO]) == pytest.approx(count)


@pytest.mark.parametrize(
  ("step", "factor"), [(0, 0.0), (5, 0.25), (20, 1.0), (90, 1.0)]
)
def test_the_weight_grows_for_some_epochs(step, factor):
  """Two epochs of ten updates."""
  grown = term(step=step, ramp_up_epochs=2.0)
  chex.assert_trees_all_close(grown, factor * term(), rtol=1e-5)


def test_views():
  assert make_method(PAPER).views == ((None, True, True),)
  two = ((None, True, True), (0, True, True))
  assert make_method(RELEASED).views == two


def test_without_the_regularizer_the_feature_does_not_matter():
  bare = term(regularizer_weight=0.0)
  assert np.all(bare[[ONE, TWO]] < term()[[ONE, TWO]])
  # As wide as it likes, too.
  wide = term(width=6, regularizer_weight=0.0)
  assert np.all(wide[[ONE, TWO]] > 0)


def test_a_mapping_of_another_width_than_the_feature():
  with pytest.raises(ValueError, match=r"Found: 6.*Expected: 4.*filters"):
    output(width=6)


def test_bfloat16():
  narrow = output(dtype=jnp.bfloat16)
  chex.assert_trees_all_equal_dtypes(narrow, output())
  chex.assert_trees_all_close(
    np.asarray(narrow.regularizers["cross_task"], np.float64), term(), rtol=0.1
  )


def field(*vector):
  """Return an image f32[1, 2, 2, C] with one pixel twice as large."""
  flat = jnp.broadcast_to(jnp.asarray(vector, jnp.float32), (4, len(vector)))
  return flat.at[0].multiply(2).reshape(1, 2, 2, -1)


def encode(task, prediction, value, code, *, present):
  """Return the code of an image whose last pixel has no ground truth."""
  valid = jnp.ones((1, 2, 2), bool).at[0, 1, 1].set(False)
  label = Label(value, valid, jnp.array([present]))
  codes = pair_codes.encode(
    (task,),
    {task.name: prediction},
    {task.name: label},
    code,
    relaxation="straight_through",
    key=KEY,
  )
  (found,) = pair_codes.labels_first(codes, label.present[:, None])
  return np.asarray(found)[0].reshape(4, -1)


def test_depth_is_divided_by_its_largest_value_as_released():
  task, guess, value = Depth("depth"), field(3.0), field(5.0)
  shares = np.float32([[1], [0.5], [0.5], [0.5]])
  found = encode(task, guess, value, "released", present=False)
  chex.assert_trees_all_close(found, shares)
  shares[3] = 0
  found = encode(task, guess, value, "released", present=True)
  chex.assert_trees_all_close(found, shares)
  found = encode(task, guess, value, "joint", present=True)
  expected = np.array(task.joint_label(value)).reshape(4, 1)
  expected[3] = 0
  chex.assert_trees_all_close(found, expected)


def test_the_largest_depth_has_a_gradient():
  task = Depth("depth")

  def code_of_another_pixel(guess):
    hidden = jnp.full(guess.shape, jnp.nan)
    label = Label(hidden, jnp.ones((1, 2, 2), bool), jnp.array([False]))
    codes = pair_codes.encode(
      (task,),
      {"depth": guess},
      {"depth": label},
      "released",
      relaxation="softmax",
      key=KEY,
    )
    return codes.predictions[0][0, 1, 0, 0]

  slope = jax.grad(code_of_another_pixel)(field(3.0))[0, ..., 0]
  expected = np.float32([[-3 / 6**2, 0], [1 / 6, 0]])
  chex.assert_trees_all_close(slope, expected, rtol=1e-5)


def test_a_normal_without_ground_truth_is_grey_as_released():
  task, value = Normals("normals"), field(0.6, 0.0, 0.8)
  long = np.float32([1.1, 0.5, 1.3])  # not normalised: twice as long
  released = encode(task, value, value, "released", present=True)
  chex.assert_trees_all_close(released[0], long, rtol=1e-6)
  chex.assert_trees_all_close(released[3], np.full(3, 0.5, "f4"))
  joint = encode(task, value, value, "joint", present=True)
  chex.assert_trees_all_close(joint[0], np.float32([0.8, 0.5, 0.9]), rtol=1e-6)
  assert not joint[3].any()


@pytest.mark.parametrize("code", ["joint", "released"])
def test_segmentation_without_ground_truth_is_no_class(code):
  task, logits = Segmentation("segmentation", 3), field(1.0, 2.0, 0.0)
  ids = jnp.full((1, 2, 2), 2)
  found = encode(task, logits, ids, code, present=True)
  expected = np.eye(3, dtype="f4")[[2, 2, 2, 2]]
  expected[3] = 0
  chex.assert_trees_all_equal(found, expected)
  found = encode(task, logits, ids, code, present=False)
  chex.assert_trees_all_close(found, np.eye(3, dtype="f4")[[1, 1, 1, 1]])
