import dataclasses
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.methods.jtr.joint_tensor import PAPER, Stacking
from jtr_jax.methods.supervised import view
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO

pytestmark = pytest.mark.usefixtures("quick_compilation")

DEPTH = slice(3, 4)  # channels of the joint tensor
NORMALS = slice(4, 7)


@pytest.fixture(scope="module")
def labels():
  return view(batch.make_labels(), 0)


@pytest.fixture(scope="module")
def predictions():
  return view(batch.make_predictions(), 0)


@pytest.fixture(scope="module")
def mask(labels):
  return joint_tensor.common_mask(TASKS, labels)


def encode(predictions, mask, stacking):
  return joint_tensor.encode_predictions(
    TASKS,
    predictions,
    mask,
    stacking,
    relaxation="straight_through",
    key=batch.KEY,
  )


@pytest.fixture(scope="module")
def encoded(predictions, mask):
  return encode(predictions, mask, PAPER)


def test_common_mask_is_the_intersection_over_present_labels(labels, mask):
  valid = [np.asarray(labels[task.name].valid) for task in TASKS]
  chex.assert_trees_all_equal(mask[ONE], valid[0][ONE])
  chex.assert_trees_all_equal(mask[TWO], valid[1][TWO] & valid[2][TWO])
  chex.assert_trees_all_equal(mask[ALL], np.all([v[ALL] for v in valid], 0))
  assert mask[NONE].all()


def test_targets_are_labels_and_stand_ins(labels, mask, encoded):
  target = joint_tensor.target_tensor(TASKS, encoded, labels, mask, PAPER)
  noisy = joint_tensor.prediction_tensor(TASKS, encoded, labels, PAPER)
  chex.assert_equal_shape([target, noisy])
  chex.assert_trees_all_equal(target[NONE], noisy[NONE])
  chex.assert_trees_all_equal(target[ONE, ..., 3:], noisy[ONE, ..., 3:])
  assert not np.array_equal(target[ONE, ..., :3], noisy[ONE, ..., :3])
  ids = np.argmax(target[ONE, ..., :3], axis=-1)
  counted = np.asarray(mask[ONE])
  chex.assert_trees_all_equal(
    ids[counted], np.asarray(labels["segmentation"].value[ONE])[counted]
  )


def test_split_channels_undoes_the_stack(labels, encoded):
  joint = joint_tensor.prediction_tensor(TASKS, encoded, labels, PAPER)
  chex.assert_trees_all_equal(
    joint_tensor.split_channels(TASKS, joint), encoded
  )


@pytest.mark.parametrize(
  ("hole", "depth", "normal"),
  [
    ("zero", 0, 0),
    ("encoded_zero", 0.5 * math.erfc(2.3618 / 1.5876 / math.sqrt(2)), 0.5),
  ],
)
def test_hole(predictions, labels, mask, hole, depth, normal):
  stacking = Stacking(hole=hole)
  encoded = encode(predictions, mask, stacking)
  joint = (
    joint_tensor.prediction_tensor(TASKS, encoded, labels, stacking),
    joint_tensor.target_tensor(TASKS, encoded, labels, mask, stacking),
  )
  for tensor in joint:
    holes = tensor[~mask]
    assert len(holes)
    assert not holes[:, :3].any()
    chex.assert_trees_all_close(
      holes[:, DEPTH], jnp.full_like(holes[:, DEPTH], depth), rtol=1e-4
    )
    chex.assert_trees_all_equal(
      holes[:, NORMALS], jnp.full_like(holes[:, NORMALS], normal)
    )


def test_label_mask(labels, mask, encoded):
  targets = {
    name: joint_tensor.target_tensor(
      TASKS, encoded, labels, mask, Stacking(label_mask=name)
    )
    for name in ("intersection", "own")
  }
  filled = {name: np.any(t[TWO, ..., DEPTH], -1) for name, t in targets.items()}
  chex.assert_trees_all_equal(filled["intersection"], mask[TWO])
  chex.assert_trees_all_equal(filled["own"], labels["depth"].valid[TWO])
  assert (filled["own"] & ~filled["intersection"]).any()


@pytest.mark.parametrize("setting", ["detach_labelled", "detach_target"])
@pytest.mark.parametrize("detach", [False, True])
def test_detach(labels, mask, encoded, setting, detach):
  stacking = dataclasses.replace(PAPER, **{setting: detach})

  def total(encoded):
    if setting == "detach_labelled":
      return jnp.sum(
        joint_tensor.prediction_tensor(TASKS, encoded, labels, stacking)
      )
    return jnp.sum(
      joint_tensor.target_tensor(TASKS, encoded, labels, mask, stacking)
    )

  slopes = jax.grad(total)(encoded)
  for column, task in enumerate(TASKS):
    present = batch.PRESENT[:, column]
    reached = np.any(slopes[task.name] != 0, axis=(1, 2, 3))
    if setting == "detach_labelled":
      expected = ~present if detach else np.ones_like(present)
    else:
      expected = np.zeros_like(present) if detach else ~present
    chex.assert_trees_all_equal(reached, expected)
