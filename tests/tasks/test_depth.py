import functools
import statistics

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.depth import Depth, InverseDepth

TASK = Depth("depth")


def label_of(*values):
  value = np.asarray(values, np.float32)[None, None, :, None]
  return Label(value, np.isfinite(value[..., 0]), np.ones(1, bool))


@functools.partial(jax.jit, static_argnums=0)
def sums_of(task, prediction, label):
  return task.metric_sums(prediction, label)


def values_of(prediction, label, task=TASK):
  return task.metric_values(jax.device_get(sums_of(task, prediction, label)))


def test_loss_is_the_absolute_error_without_a_clamp():
  loss = TASK.loss(label_of(2.0, -1.0, 7.0).value, label_of(1.0, 3.0, jnp.nan))
  np.testing.assert_allclose(loss.sum, [1 + 4])
  assert loss.weight == 2


def test_metrics_of_known_errors():
  values = values_of(label_of(1.1, 3.0, 2.0).value, label_of(1.0, 2.0, 4.0))
  expected = {
    "abs_err": (0.1 + 1 + 2) / 3,
    "rmse": np.sqrt((0.01 + 1 + 4) / 3),
    "log_rmse": np.sqrt(
      (np.log(1.1) ** 2 + np.log(1.5) ** 2 + np.log(2) ** 2) / 3
    ),
    "abs_rel": (0.1 + 0.5 + 0.5) / 3,
    "delta1": 1 / 3,
    "delta2": 2 / 3,
    "delta3": 2 / 3,
  }
  assert values == pytest.approx(expected, rel=1e-6)


def test_metrics_clamp_predictions_that_are_not_positive():
  values = values_of(label_of(-5.0).value, label_of(1.0))
  assert values["abs_err"] == pytest.approx(1)
  assert values["log_rmse"] == pytest.approx(-np.log(1e-9), rel=1e-6)


def test_labels_of_zero_count_for_absolute_errors_only():
  label = label_of(0.0, 0.2)
  values = values_of(label_of(0.1, 0.2).value, label, InverseDepth("disparity"))
  assert values["abs_err"] == pytest.approx(0.05)
  assert values["abs_rel"] == pytest.approx(0, abs=1e-6)
  assert values["delta1"] == 1


@pytest.mark.parametrize(
  ("task", "mean", "std"),
  [
    (TASK, 2.3618, 1.5876),
    (InverseDepth("disparity"), 0.1, 0.1),
    (Depth("depth", joint_mean=1.0, joint_std=3.0), 1.0, 3.0),
  ],
)
def test_joint_encoding_is_the_normal_distribution_function(task, mean, std):
  normal = statistics.NormalDist(mean, std)
  values = [0.0, mean - std, mean, mean + 2 * std]
  encoded = task.joint_label(jnp.asarray(values, jnp.float32)[:, None])
  expected = [normal.cdf(x) for x in values]
  np.testing.assert_allclose(encoded[:, 0], expected, rtol=1e-5)


def test_reconstruction_loss_compares_encodings_once():
  target = TASK.joint_label(label_of(1.0, 4.0).value)
  mask = jnp.ones((1, 1, 2), bool)
  loss = TASK.reconstruction_loss(target + 0.25, target, mask)
  np.testing.assert_allclose(loss.sum, [0.5], rtol=1e-6)


def test_near_is_bright_in_either_kind():
  near_far = np.array([[[1.0], [9.0]]])
  depth = TASK.picture(near_far).astype(int).sum(-1)[0]
  inverse = InverseDepth("disparity").picture(0.4 / near_far).astype(int)
  assert depth[0] > depth[1]
  assert inverse.sum(-1)[0, 0] > inverse.sum(-1)[0, 1]


def test_legend_has_the_unit():
  assert [text for text, _ in TASK.legend] == [
    "0 m",
    "2.5 m",
    "5 m",
    "7.5 m",
    "10 m",
  ]


def test_bad_constants_are_refused():
  with pytest.raises(ValueError, match="joint_std = 0"):
    Depth("depth", joint_std=0)
  with pytest.raises(ValueError, match="picture_range"):
    Depth("depth", picture_range=(1.0, 1.0))


def test_pseudo_label_is_a_positive_distance():
  prediction = jnp.asarray([[[2.0], [0.0], [-1.0], [jnp.inf]]])
  value, valid = Depth("depth").pseudo_label(prediction, confidence=0.5)
  assert valid.tolist() == [[True, False, False, False]]
  assert value[0, 0, 0] == 2
