"""What must hold for the joint encoding of every kind of task."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.tasks.soft_labels import SoftLabels
from tests.tasks.every_kind import (
  TASKS,
  encoded_and_gradient,
  every_task,
  logits_of,
  make_label,
  make_prediction,
  perfect_prediction,
  reconstruction_and_gradient,
  shape_of,
)


@pytest.mark.parametrize(
  ("task", "relaxation"),
  [(TASKS[0], "gumbel"), (TASKS[0], "softmax")]
  + [(task, "straight_through") for task in TASKS],
  ids=lambda x: x if isinstance(x, str) else x.name,
)
def test_joint_encoding_is_finite_and_of_the_promised_size(task, relaxation):
  label, prediction = make_label(task), make_prediction(task)
  key = jax.random.key(0)

  encoded, gradient = encoded_and_gradient(task, prediction, relaxation, key)
  chex.assert_shape(encoded, (*shape_of(task), task.joint_channels))
  chex.assert_equal_shape([encoded, task.joint_label(label.value)])
  chex.assert_equal_shape([prediction, task.comparable(prediction)])
  chex.assert_tree_all_finite((encoded, gradient))
  assert np.any(np.asarray(gradient) != 0)


@every_task
def test_perfect_prediction_is_encoded_like_its_label(task):
  label = make_label(task)
  soft = isinstance(task, SoftLabels)
  encoded = task.joint_prediction(
    perfect_prediction(task, label),
    relaxation="softmax" if soft else "straight_through",
    key=jax.random.key(0),
  )
  expected = task.joint_label(label.value)
  chex.assert_trees_all_close(encoded, expected, atol=1e-6)
  assert np.all((np.asarray(expected) >= 0) & (np.asarray(expected) <= 1))


@every_task
def test_reconstruction_loss_is_zero_for_the_target_only(task):
  label = make_label(task)
  target = task.joint_label(label.value)
  right = logits_of(task, target)
  loss, _ = reconstruction_and_gradient(task, right, target, label.mask)
  chex.assert_trees_all_close(loss.sum, jnp.zeros(3), atol=1e-5)
  wrong = -right if task.grid == (1, 1) else jnp.flip(right, axis=2)
  loss, _ = reconstruction_and_gradient(task, wrong, target, label.mask)
  assert np.all((loss.sum > 0.01) == label.present)


@every_task
def test_hidden_pixels_do_not_reach_the_reconstruction_loss(task):
  label = make_label(task)
  target, raw = task.joint_label(label.value), make_prediction(task)
  hide = lambda x: jnp.where(label.mask[..., None], x, jnp.nan)
  clean = reconstruction_and_gradient(task, raw, target, label.mask)
  dirty = reconstruction_and_gradient(task, hide(raw), hide(target), label.mask)
  chex.assert_trees_all_equal(clean, dirty)
  chex.assert_tree_all_finite(clean)
  nothing = reconstruction_and_gradient(task, raw, target, label.mask & False)
  chex.assert_trees_all_equal(nothing, jax.tree.map(jnp.zeros_like, nothing))
