import chex
import jax
import numpy as np
import pytest

from jtr_jax.methods import task_pairs
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.depth import Depth


def test_ordered_pairs_are_those_of_the_released_columns():
  expected = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
  assert [tuple(pair) for pair in task_pairs.ordered_pairs(3)] == expected


@pytest.mark.parametrize("count", [2, 3, 5])
def test_every_real_pair_has_a_slot_of_its_own(count):
  numbers = np.arange(2**count)
  present = (numbers[:, None] >> np.arange(count)) % 2 == 1
  slots = jax.jit(task_pairs.fill_slots)(present)
  pairs = task_pairs.ordered_pairs(count)
  assert slots.pair.shape == (2**count, count**2 // 4, len(pairs))
  for image, labelled in enumerate(present):
    expected = {(s, t) for s, t in pairs if labelled[t] and not labelled[s]}
    filled = np.flatnonzero(slots.real[image])
    assert len(filled) == len(expected)
    for side, one_hot in enumerate((slots.source, slots.target)):
      tasks = pairs[np.argmax(slots.pair[image, filled], axis=-1), side]
      chex.assert_trees_all_equal(
        np.asarray(one_hot[image, filled]), np.eye(count, dtype="f4")[tasks]
      )
    chosen = np.argmax(slots.pair[image, filled], axis=-1)
    assert {tuple(pairs[index]) for index in chosen} == expected
    for rows in slots[:3]:
      assert not np.any(rows[image][~slots.real[image]])


def test_real_pairs_lead_from_unlabelled_to_labelled():
  present = np.array([[True, False, False], [True, True, True], [False] * 3])
  real = task_pairs.real_pairs(present)
  expected = np.zeros((3, 6), bool)
  expected[0, [2, 4]] = True  # depth and normals to segmentation
  chex.assert_trees_all_equal(np.asarray(real), expected)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_an_image_with_all_labels_may_have_all_pairs(count):
  present = np.ones((3, count), bool)
  present[1, 0] = False
  present[2] = False
  slots = task_pairs.fill_slots(present, "all_pairs")
  pairs = count * (count - 1)
  chex.assert_trees_all_equal(
    slots.pair[0], np.eye(pairs, dtype="f4"), strict=True
  )
  assert np.all(slots.real[0])
  partial = task_pairs.fill_slots(present)
  kept = partial.real.shape[1]
  for full, part in zip(slots, partial, strict=True):
    chex.assert_trees_all_equal(full[1:, :kept], part[1:])
    assert not np.any(full[1:, kept:])
  assert task_pairs.source_count(present, "all_pairs").tolist() == [
    count,
    1,
    count,
  ]
  assert task_pairs.source_count(present).tolist() == [0, 1, count]


def test_labels_of_images_are_no_maps():
  tasks = (Depth("depth"), Classification("scene", 3), Depth("far"))
  with pytest.raises(ValueError, match=r"MTPSL .*scene with labels for images"):
    task_pairs.require_pairs("MTPSL", tasks)
