"""What must hold for the loss and the metrics of every kind of task."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from tests.tasks.every_kind import (
  every_task,
  loss_and_gradient,
  make_label,
  make_prediction,
  metric_sums,
  perfect_prediction,
  poisoned,
  shape_of,
  take,
)


@every_task
def test_is_frozen_and_hashable(task):
  assert hash(task) == hash(type(task)(**vars(task)))
  assert task.primary_metric in task.metrics
  with pytest.raises(AttributeError):
    task.name = "other"


@every_task
def test_perfect_prediction_is_the_minimum(task):
  label = make_label(task)
  perfect = perfect_prediction(task, label)
  best = loss_and_gradient(task, perfect, label)[0]
  chex.assert_trees_all_close(best.sum, jnp.zeros(3), atol=1e-5)
  for seed in range(3):
    worse = loss_and_gradient(task, make_prediction(task, seed), label)[0]
    assert np.all((worse.sum > best.sum) == label.present)


@every_task
def test_hidden_pixels_reach_neither_value_nor_gradient(task):
  label, prediction = make_label(task), make_prediction(task)
  mask = label.mask[..., None]
  clean = loss_and_gradient(task, prediction, label)
  dirty = loss_and_gradient(
    task, jnp.where(mask, prediction, jnp.nan), poisoned(label)
  )
  chex.assert_trees_all_equal(clean, dirty)
  assert np.all(np.asarray(clean[1])[~np.asarray(label.mask)] == 0)
  assert np.any(np.asarray(clean[1]) != 0)


@every_task
def test_hidden_pixels_do_not_reach_the_metrics(task):
  label, prediction = make_label(task), make_prediction(task)
  dirty = jnp.where(label.mask[..., None], prediction, jnp.nan)
  chex.assert_trees_all_equal(
    metric_sums(task, prediction, label),
    metric_sums(task, dirty, poisoned(label)),
  )


@every_task
def test_empty_mask_has_no_loss_and_a_finite_gradient(task):
  label = make_label(task)
  empty = Label(label.value, label.valid & False, label.present)
  loss, gradient = loss_and_gradient(task, make_prediction(task), empty)
  chex.assert_trees_all_equal(loss.sum, jnp.zeros(3))
  chex.assert_trees_all_equal(loss.weight, jnp.zeros(3))
  assert loss.mean() == 0
  assert np.all(np.asarray(gradient) == 0)
  totals = jax.device_get(metric_sums(task, make_prediction(task), empty))
  values = task.metric_values(totals)
  assert set(values) == set(task.metrics)
  assert all(np.isnan(value) for value in values.values())


@every_task
def test_weight_counts_the_valid_pixels_of_labelled_images(task):
  label = make_label(task)
  loss, _ = loss_and_gradient(task, make_prediction(task), label)
  chex.assert_trees_all_equal(
    loss.weight, jnp.sum(label.mask, axis=(1, 2), dtype=jnp.float32)
  )
  assert loss.weight[1] == 0
  assert loss.weight[0] > 0


@every_task
def test_what_counts_is_part_of_the_mask(task):
  label = make_label(task)
  counted = task.counted(label)
  chex.assert_shape(counted, shape_of(task))
  assert counted.dtype == jnp.bool_
  assert not np.any(counted & ~label.mask)
  chex.assert_trees_all_equal(counted, task.counted(poisoned(label)))


@every_task
def test_batch_equals_its_images_in_any_order(task):
  label, prediction = make_label(task), make_prediction(task)
  batch = loss_and_gradient(task, prediction, label)
  order = jnp.array([2, 0, 1])
  shuffled = loss_and_gradient(task, *take((prediction, label), order))
  chex.assert_trees_all_equal(take(batch, order), shuffled)
  sums = metric_sums(task, prediction, label)
  parts = []
  for i in range(3):
    image = take((prediction, label), slice(i, i + 1))
    alone = loss_and_gradient(task, *image)
    chex.assert_trees_all_close(take(batch, slice(i, i + 1)), alone, rtol=1e-6)
    parts.append(metric_sums(task, *image))
  added = jax.tree.map(lambda *x: sum(x), *parts)
  chex.assert_trees_all_close(sums, added, rtol=1e-5)


@every_task
def test_half_precision_predictions_are_summed_in_float32(task):
  label, prediction = make_label(task), make_prediction(task)
  half = prediction.astype(jnp.bfloat16)
  loss, gradient = loss_and_gradient(task, half, label)
  exact, _ = loss_and_gradient(task, half.astype(jnp.float32), label)
  assert loss.sum.dtype == loss.weight.dtype == jnp.float32
  assert gradient.dtype == jnp.bfloat16
  chex.assert_trees_all_close(loss, exact, rtol=1e-6)
  assert task.activate(half).dtype == jnp.float32
  assert task.comparable(half).dtype == jnp.float32
  for value in metric_sums(task, half, label).values():
    assert value.dtype in (jnp.int32, jnp.float32)
