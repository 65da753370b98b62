import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.regression import Regression


def label_of(value):
  value = jnp.asarray(value, jnp.float32)
  shape = value.shape[:3]
  return Label(value, jnp.ones(shape, bool), jnp.ones(shape[0], bool))


def test_loss_and_metric_average_the_channels():
  task = Regression("colour", channels=2)
  label = label_of([[[[0, 0], [1, 1]]]])
  prediction = jnp.array([[[[0.5, 0.0], [1.0, 0.0]]]])
  loss = task.loss(prediction, label)
  np.testing.assert_allclose(loss.sum, [0.25 + 0.5])
  assert loss.weight == 2
  sums = jax.device_get(task.metric_sums(prediction, label))
  assert task.metric_values(sums) == pytest.approx({"abs_err": 0.375})


def test_three_channels_are_drawn_as_colours():
  task = Regression("colour", channels=3, picture_range=(-1.0, 1.0))
  picture = task.picture(np.array([[[1.0, 0.0, -1.0]]]))
  np.testing.assert_array_equal(picture[0, 0], [255, 128, 0])


def test_no_channels_are_refused():
  with pytest.raises(ValueError, match="channels = 0"):
    Regression("edges", channels=0)
