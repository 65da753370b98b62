import dataclasses
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.methods.jtr.joint_tensor import PAPER, Stacking
from jtr_jax.methods.supervised import view
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.soft_labels import SoftLabels
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO

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


SCENE = Classification("scene", 2)
TOKENS = SoftLabels("tokens", 2, cells=(2, 2))


def coarse_labels(labels):
  """Return the labels of three tasks, one an image, one a cell, one a map."""
  scene = jnp.array([0, 1, 1, 0])[:, None, None]
  cells = jnp.tile(jnp.eye(2)[None], (4, 1, 1))[..., None]
  tokens = jnp.concatenate([cells, 1 - cells], axis=-1)
  present = labels["depth"].present
  return {
    "scene": Label(scene, jnp.ones((4, 1, 1), bool), present),
    "depth": labels["depth"],
    "tokens": Label(tokens, jnp.ones((4, 2, 2), bool), ~present),
  }


def test_labels_of_images_and_cells_become_maps(labels, predictions):
  tasks, own = (SCENE, TASKS[1], TOKENS), coarse_labels(labels)
  random = np.random.default_rng(0)
  guesses = {
    "scene": jnp.asarray(random.normal(size=(4, 1, 1, 2))),
    "depth": predictions["depth"],
    "tokens": jnp.asarray(random.normal(size=(4, 2, 2, 2))),
  }
  mask = joint_tensor.common_mask(tasks, own)
  chex.assert_trees_all_equal(
    mask, own["depth"].valid | ~own["depth"].present[:, None, None]
  )
  encoded = joint_tensor.encode_predictions(
    tasks, guesses, mask, PAPER, relaxation="softmax", key=batch.KEY
  )
  joint = joint_tensor.target_tensor(tasks, encoded, own, mask, PAPER)
  parts = joint_tensor.split_channels(tasks, joint)
  height, width = batch.SIZE
  for image in range(4):
    seen = np.asarray(mask[image])
    present = bool(own["scene"].present[image])
    of_scene = np.eye(2)[int(own["scene"].value[image, 0, 0])]
    if not present:
      of_scene = jax.nn.softmax(guesses["scene"][image, 0, 0])
    expected = np.where(seen[..., None], of_scene, 0)
    np.testing.assert_allclose(parts["scene"][image], expected, rtol=1e-6)
    of_cells = jax.nn.softmax(guesses["tokens"][image])
    if not present:
      of_cells = own["tokens"].value[image]
    of_pixels = np.kron(
      np.asarray(of_cells).transpose(2, 0, 1),
      np.ones((height // 2, width // 2)),
    ).transpose(1, 2, 0)
    expected = np.where(seen[..., None], of_pixels, 0)
    np.testing.assert_allclose(parts["tokens"][image], expected, rtol=1e-6)


def test_hidden_labels_of_images_do_not_matter(labels):
  tasks, own = (SCENE, TASKS[1], TOKENS), coarse_labels(labels)
  scene = own["scene"]
  other = jnp.where(scene.present[:, None, None], scene.value, 10**9)
  poisoned = {**own, "scene": Label(other, scene.valid, scene.present)}
  mask = joint_tensor.common_mask(tasks, own)
  encoded = {
    t.name: jnp.zeros((4, *batch.SIZE, t.joint_channels)) for t in tasks
  }
  chex.assert_trees_all_equal(
    joint_tensor.target_tensor(tasks, encoded, own, mask, PAPER),
    joint_tensor.target_tensor(tasks, encoded, poisoned, mask, PAPER),
  )


@pytest.mark.parametrize(
  ("shape", "size"), [((1, 1), (5, 7)), ((2, 3), (5, 7)), ((5, 7), (5, 7))]
)
def test_spreading_takes_the_cell_of_each_pixel(shape, size):
  cells = np.arange(math.prod(shape)).reshape(1, *shape)
  found = joint_tensor.spread(jnp.asarray(cells), size)
  rows = (np.arange(size[0]) + 0.5) * shape[0] / size[0]
  columns = (np.arange(size[1]) + 0.5) * shape[1] / size[1]
  expected = cells[0][rows.astype(int)[:, None], columns.astype(int)]
  np.testing.assert_array_equal(found[0], expected)
