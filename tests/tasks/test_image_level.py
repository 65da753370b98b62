"""Kinds that say something of an image as a whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.multilabel import MultiLabel, average_precision
from jtr_jax.tasks.scalar import Scalar


def label_of(value, dtype=np.float32):
  value = np.asarray(value, dtype)
  value = value[:, None, None]
  return Label(
    value, np.ones((len(value), 1, 1), bool), np.ones(len(value), bool)
  )


def values(task, prediction, label):
  sums = jax.jit(task.metric_sums)(prediction[:, None, None], label)
  return task.metric_values(jax.device_get(sums))


def test_classification_counts_images():
  task = Classification("scene", 3, ("kitchen", "office", "street"))
  logits = np.eye(3, dtype=np.float32)[[0, 1, 1, 2, 0]]
  label = label_of([0, 1, 2, 2, -1], np.int32)
  found = values(task, logits, label)
  assert found["accuracy"] == pytest.approx(3 / 4)
  assert found["mean_class_accuracy"] == pytest.approx((1 + 1 + 0.5) / 3)
  loss = task.loss(logits[:, None, None], label)
  np.testing.assert_array_equal(loss.weight, [1, 1, 1, 1, 0])
  right = -np.log(np.e / (np.e + 2))
  np.testing.assert_allclose(loss.sum[0], right, rtol=1e-6)
  assert task.caption(np.array([[2]])) == "street"
  assert task.caption(np.array([[-1]])) == "none"
  assert Classification("scene", 3).caption(np.array([[1]])) == "1"


def test_a_class_map_is_constant_once_it_is_encoded():
  task = Classification("scene", 3)
  code = task.joint_label(jnp.array([[[1]]]))
  np.testing.assert_array_equal(code, [[[[0, 1, 0]]]])


def test_scalar():
  task = Scalar("people", channels=2, unit="persons")
  label = label_of([[1, 2], [3, 5]])
  prediction = np.array([[2, 2], [3, 1]], np.float32)
  found = values(task, prediction, label)
  assert found["abs_err"] == pytest.approx((0.5 + 2) / 2)
  assert found["rmse"] == pytest.approx(np.sqrt((0.5 + 8) / 2))
  assert task.caption(np.array([[[1.0, 2.5]]])) == "1, 2.5 persons"


def test_unknown_classes_of_an_image_change_nothing():
  task = MultiLabel("objects", 3)
  logits = np.array([[1.0, -2.0, 0.5], [0, 0, 0]], np.float32)[:, None, None]
  label = label_of([[1, -1, 0], [-1, -1, -1]])
  grad = jax.value_and_grad(lambda x: task.loss(x, label).sum.sum())
  value, gradient = grad(logits)
  p = 1 / (1 + np.exp(-np.array([1.0, 0.5])))
  assert value == pytest.approx(-(np.log(p[0]) + np.log(1 - p[1])) / 2)
  np.testing.assert_array_equal(gradient[0, 0, 0] != 0, [True, False, True])
  np.testing.assert_array_equal(gradient[1], 0)
  np.testing.assert_array_equal(task.loss(logits, label).weight, [1, 0])
  np.testing.assert_array_equal(
    task.joint_label(label.value)[0, 0, 0], [1, 0.5, 0]
  )


def test_average_precision_of_a_ranking():
  yes = np.array([0, 0, 1, 0, 1, 1])
  no = np.array([1, 1, 0, 1, 0, 0])
  # From the top: yes, yes, no, yes, no, no.
  assert average_precision(yes, no) == pytest.approx((1 + 1 + 3 / 4) / 3)
  assert average_precision(yes, 0 * no) == 1


def test_metrics_of_several_labels():
  task = MultiLabel("objects", 2)
  probability = np.array([[0.9, 0.2], [0.6, 0.7], [0.3, 0.8], [0.1, 0.4]])
  logits = np.log(probability / (1 - probability)).astype(np.float32)
  label = label_of([[1, 0], [0, 1], [1, -1], [0, 0]])
  found = values(task, logits, label)
  # First class: yes 0.9, no 0.6, yes 0.3, no 0.1. Second: yes 0.7, no, no.
  assert found["mean_ap"] == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)
  assert found["f1"] == pytest.approx((0.5 + 1) / 2)
  assert found["accuracy"] == pytest.approx(5 / 7)
  assert task.caption(probability[:1, None]) == "0"


def test_pseudo_labels_leave_the_unsure_out():
  task = MultiLabel("objects", 3)
  p = np.array([0.95, 0.5, 0.02])
  logit = np.log(p / (1 - p)).reshape(1, 1, 1, 3)
  value, valid = task.pseudo_label(logit, confidence=0.9)
  np.testing.assert_array_equal(np.asarray(value).ravel(), [1, -1, 0])
  assert np.asarray(valid).all()


def test_wrong_descriptions_are_refused():
  with pytest.raises(ValueError, match="3 classes, 1 names"):
    MultiLabel("objects", 3, ("one",))
