"""Predictions and labels that do not fit are refused, not broadcast."""

import dataclasses

import jax.numpy as jnp
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.regression import Regression
from jtr_jax.tasks.segmentation import Segmentation

B, H, W = 2, 4, 4
TASKS = (
  Segmentation("segmentation", 3),
  Depth("depth"),
  InverseDepth("disparity"),
  Normals("normals"),
  Regression("edges", channels=2),
)


def fitting(task):
  """Return a prediction and a label of a task."""
  valid = jnp.ones((B, H, W), bool)
  value = jnp.zeros((B, H, W, task.channels))
  if isinstance(task, Segmentation):
    value = jnp.zeros((B, H, W), jnp.int32)
  prediction = jnp.ones((B, H, W, task.channels))
  return prediction, Label(value, valid, jnp.ones(B, bool))


def refuses(task, prediction, label):
  for function in (task.loss, task.metric_sums):
    with pytest.raises(AssertionError):
      function(prediction, label)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_shapes_that_would_be_broadcast(task):
  prediction, label = fitting(task)
  task.check_shapes(prediction, label)
  refuses(task, prediction[:1], label)
  refuses(task, prediction[..., :1, :, :], label)
  refuses(task, jnp.ones((B, H, W, task.channels + 1)), label)
  shorter = dataclasses.replace(label, value=label.value[:1])
  refuses(task, prediction, shorter)


@pytest.mark.parametrize("task", TASKS[1:], ids=lambda task: task.name)
def test_a_label_without_an_axis_of_channels(task):
  prediction, label = fitting(task)
  refuses(
    task, prediction, dataclasses.replace(label, value=label.value[..., 0])
  )


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_reconstruction_of_another_shape(task):
  right = jnp.ones((B, H, W, task.joint_channels))
  mask = jnp.ones((B, H, W), bool)
  task.reconstruction_loss(right, right, mask)
  with pytest.raises(AssertionError):
    task.reconstruction_loss(right[:1], right, mask)
  with pytest.raises(AssertionError):
    task.reconstruction_loss(right, right, mask[:1])
