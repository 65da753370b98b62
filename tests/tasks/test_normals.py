import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks import normals

TASK = normals.Normals("normals")
X, Y, Z, ZERO = [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]


def field(*vectors):
  return np.asarray(vectors, np.float32)[None, None]


def label_of(*vectors):
  value = field(*vectors)
  return Label(value, np.ones(value.shape[:3], bool), np.ones(1, bool))


activate = jax.jit(TASK.activate)
loss_of = jax.jit(TASK.loss)
reconstruction_loss = jax.jit(TASK.reconstruction_loss)
metric_sums = jax.jit(TASK.metric_sums)


def sums_of(prediction, label):
  return jax.device_get(metric_sums(prediction, label))


def tilted(degrees):
  radians = np.deg2rad(degrees)
  return np.stack([np.sin(radians), 0 * radians, np.cos(radians)], -1)


def test_activation_is_a_unit_vector_and_zero_stays_zero():
  raw = field([3, 0, 4], ZERO, [1e-18, 0, 0])
  np.testing.assert_allclose(
    activate(raw)[0, 0], [[0.6, 0, 0.8], ZERO, X], atol=1e-6
  )
  gradient = jax.jit(jax.grad(lambda x: jnp.sum(activate(x) ** 3)))(raw)
  assert np.all(np.isfinite(gradient))
  np.testing.assert_array_equal(gradient[0, 0, 1], ZERO)


def test_loss_is_one_minus_the_cosine():
  loss = loss_of(field(X, Y, Z, [0, 0, -1]), label_of(X, Z, Z, Z))
  np.testing.assert_allclose(loss.sum, [0 + 1 + 0 + 2], atol=1e-6)
  assert loss.weight == 4


def test_labels_are_directions_of_any_length():
  loss = loss_of(field(Z), label_of([0, 0, 0.3]))
  np.testing.assert_allclose(loss.sum, [0], atol=1e-6)


def test_short_labels_stay_short_as_released():
  """The released loss is 1 - p . n, with n as interpolation has left it."""
  released = dataclasses.replace(TASK, unit_labels=False)
  short = [0, 0.18, 0.24]  # length 0.3
  loss = jax.jit(released.loss)(field([0, 3, 4]), label_of(short))
  np.testing.assert_allclose(loss.sum, [1 - 0.3], rtol=1e-6)
  np.testing.assert_allclose(
    jax.jit(released.joint_label)(field(short))[0, 0, 0],
    [0.5, 0.59, 0.62],
    rtol=1e-6,
  )
  np.testing.assert_allclose(
    jax.jit(TASK.joint_label)(field(short))[0, 0, 0], [0.5, 0.8, 0.9], rtol=1e-6
  )


def test_label_whose_components_cancel_counts_and_zero_does_not():
  label = label_of([0.5, -0.5, 0], ZERO)
  loss = loss_of(field(X, X), label)
  assert loss.weight == 1
  np.testing.assert_allclose(loss.sum, [1 - np.sqrt(0.5)], rtol=1e-6)
  assert sums_of(field(X, X), label)["count"] == 1


def test_metrics_of_known_angles():
  angles = np.array([0.0, 10.0, 20.0, 28.0, 120.0])
  label = label_of(*[Z] * 5)
  values = TASK.metric_values(sums_of(field(*tilted(angles)), label))
  assert values.pop("median_deg") == pytest.approx(
    20, abs=normals.MEDIAN_RESOLUTION
  )
  assert values == pytest.approx(
    {
      "mean_deg": angles.mean(),
      "rmse_deg": np.sqrt(np.mean(angles**2)),
      "within_11.25": 2 / 5,
      "within_22.5": 3 / 5,
      "within_30": 4 / 5,
    },
    rel=1e-5,
  )


@pytest.mark.parametrize("count", [1, 2, 500, 501])
def test_median_is_exact_to_its_resolution(count):
  angles = np.random.default_rng(count).uniform(0, 180, count)
  prediction = np.zeros((1, 1, 501, 3), np.float32)
  prediction[0, 0, :count] = tilted(angles)
  label = label_of(*[Z] * 501)
  label.valid[0, 0, count:] = False
  sums = sums_of(prediction, label)
  assert TASK.metric_values(sums)["median_deg"] == pytest.approx(
    np.median(angles), abs=normals.MEDIAN_RESOLUTION
  )
  lower, upper = normals.median_interval(sums["histogram"])
  middle = np.sort(angles)[[(count - 1) // 2, count // 2]]
  assert (lower, upper) == pytest.approx(
    tuple(middle), abs=normals.MEDIAN_RESOLUTION
  )


def test_opposite_direction_is_180_degrees_off():
  sums = sums_of(field([0, 0, -1]), label_of(Z))
  assert sums["angle"] == pytest.approx(180)
  assert sums["histogram"][-1] == 1


def test_prediction_without_a_direction_is_90_degrees_off():
  assert sums_of(field(ZERO), label_of(Z))["angle"] == 90


def test_joint_encoding_is_the_unit_vector_moved_to_the_unit_cube():
  encoded = TASK.joint_label(field([0, 0, -2], X))
  expected = [[0.5, 0.5, 0], [1, 0.5, 0.5]]
  np.testing.assert_allclose(encoded[0, 0], expected, atol=1e-6)


def test_reconstruction_loss_compares_directions():
  target = TASK.joint_label(field(X, Z))
  mask = jnp.ones((1, 1, 2), bool)
  shorter = 0.5 + (target - 0.5) / 3
  loss = reconstruction_loss(shorter, target, mask)
  np.testing.assert_allclose(loss.sum, [0], atol=1e-6)
  loss = reconstruction_loss(1 - target, target, mask)
  np.testing.assert_allclose(loss.sum, [4], rtol=1e-6)


def test_floor_is_green_and_a_facing_wall_blue():
  floor, wall = TASK.picture(np.array([[[0, -1, 0], [0, 0, -1]]]))[0]
  assert floor.argmax() == 1
  assert wall.argmax() == 2
