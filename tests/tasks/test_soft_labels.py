import jax
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.tasks.soft_labels import SoftLabels


def label_of(value):
  shape = value.shape[:3]
  return Label(value, np.ones(shape, bool), np.ones(len(value), bool))


def test_divergence_of_a_distribution():
  task = SoftLabels("soft", 3, cells=(1, 1))
  q = np.array([0.2, 0.3, 0.5])
  p = np.array([0.6, 0.3, 0.1])
  logits = np.log(p).astype(np.float32).reshape(1, 1, 1, 3)
  label = label_of(q.astype(np.float32).reshape(1, 1, 1, 3))
  loss = jax.jit(task.loss)(logits, label)
  np.testing.assert_allclose(loss.sum, [np.sum(q * np.log(q / p))], rtol=1e-5)
  totals = jax.device_get(task.metric_sums(logits, label))
  found = task.metric_values(totals)
  assert found["accuracy"] == 0
  assert found["divergence"] == pytest.approx(np.sum(q * np.log(q / p)))


def test_a_certain_label_is_a_class():
  rng = np.random.default_rng(0)
  logits = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
  ids = rng.integers(0, 5, (2, 3, 4)).astype(np.int32)
  hard = jax.jit(Segmentation("s", 5).loss)(logits, label_of(ids))
  soft = SoftLabels("s", 5)
  dense = jax.jit(soft.loss)(logits, label_of(np.eye(5, dtype=np.float32)[ids]))
  np.testing.assert_allclose(dense.sum, hard.sum, rtol=1e-5)
  named = np.stack([ids, np.ones_like(ids)], axis=-1).astype(np.float32)
  top = jax.jit(SoftLabels("s", 5, top=1).loss)(logits, label_of(named))
  np.testing.assert_allclose(top.sum, hard.sum, rtol=1e-5)


def test_the_named_classes_share_everything():
  task = SoftLabels("tokens", 4, cells=(1, 2), top=2)
  value = np.array([[[[3, 1, 0.6, 0.2], [0, 0, 0, 0]]]], np.float32)
  np.testing.assert_allclose(
    task.joint_label(value)[0, 0], [[0, 0.25, 0, 0.75], [0, 0, 0, 0]]
  )
  loss = task.loss(np.zeros((1, 1, 2, 4), np.float32), label_of(value))
  np.testing.assert_array_equal(loss.weight, [1])  # zeros are no label
  assert (task.picture(value[0])[0, 1] == 48).all()


def test_probabilities_need_not_sum_to_one():
  task = SoftLabels("soft", 2)
  value = np.array([0.4, 0.4], np.float32).reshape(1, 1, 1, 2)
  np.testing.assert_allclose(task.joint_label(value), value + 0.1)


def test_captions_name_the_likeliest_class_of_an_image():
  task = SoftLabels("soft", 3, ("a", "b", "c"), cells=(1, 1))
  assert task.caption(np.array([[[0.1, 0.2, 0.7]]])) == "c"
  assert task.caption(np.zeros((1, 1, 3))) == "none"
  top = SoftLabels("soft", 9, cells=(1, 1), top=2)
  assert top.caption(np.array([[[7, 4, 0.3, 0.6]]])) == "4"
  assert SoftLabels("soft", 3).caption(np.ones((2, 2, 3))) == ""


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"cells": (3,)}, "has no grid"),
    ({"cells": (0, 3)}, "has no grid"),
    ({"top": 4}, "top = 4 of 3 classes"),
  ],
)
def test_wrong_descriptions_are_refused(fields, message):
  with pytest.raises(ValueError, match=message):
    SoftLabels("soft", 3, **fields)
