"""The released reconstruction loss, oddities included, in closed form."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.methods.jtr import joint_tensor, released_reconstruction
from jtr_jax.methods.jtr.joint_tensor import RELEASED, JointPair
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation

KEY = jax.random.key(0)
WHOLE = np.ones((1, 2, 2), bool)
HALF = np.array([[[True, True], [False, False]]])


def field(*vector):
  """Return a constant image f32[1, 2, 2, C]."""
  return jnp.broadcast_to(
    jnp.array(vector, jnp.float32), (1, 2, 2, len(vector))
  )


def cdf(depth):
  return 0.5 * math.erfc((2.3618 - depth) / 1.5876 / math.sqrt(2))


def logit(depth):
  """Return the output that the squeezed sigmoid maps to a depth in (0, 1)."""
  probability = (depth - 0.5) / (1 - 1e-5) + 0.5
  return math.log(probability / (1 - probability))


def loss(task, rebuilt, prediction, value, *, present=True, mask=WHOLE):
  """Return the loss of an image of one task.

  `rebuilt` are the outputs for the prediction tensor and the target tensor.
  """
  mask = jnp.asarray(mask)
  label = Label(value, mask, jnp.array([present]))
  predictions, labels = {task.name: prediction}, {task.name: label}
  noiseless = {"relaxation": "straight_through", "key": KEY}
  encoded = joint_tensor.encode_predictions(
    (task,), predictions, mask, RELEASED, **noiseless
  )
  pair = JointPair(
    joint_tensor.prediction_tensor((task,), encoded, labels, RELEASED),
    joint_tensor.target_tensor((task,), encoded, labels, mask, RELEASED),
    mask,
  )
  total = released_reconstruction.reconstruction(
    (task,), RELEASED, pair, rebuilt, predictions, labels, **noiseless
  )
  return total.item()


def test_normals_are_divided_by_vector_entries():
  normal = np.ones(3) / math.sqrt(3)
  right = field(*normal)
  shifted = np.sum(normal * (normal + 1) / 2)  # the code is no direction
  expected = (1 - shifted / 3) + (1 - 1 / 3)
  found = loss(Normals("normals"), (right, right), right, right)
  chex.assert_trees_all_close(found, expected, rtol=1e-5)


@pytest.mark.parametrize("present", [False, True])
def test_depth_of_the_prediction_tensor_is_squashed_twice(present):
  prediction, label = 1.5, 3.0
  target = cdf(label if present else prediction)
  twice, once = cdf(cdf(prediction)), cdf(prediction)

  def found(output):
    rebuilt = field(logit(output)), field(logit(target))
    return loss(
      Depth("depth"), rebuilt, field(prediction), field(label), present=present
    )

  chex.assert_trees_all_close(found(twice), 0.0, atol=1e-6)
  chex.assert_trees_all_close(found(once), abs(once - twice), rtol=1e-5)


def test_depth_never_reaches_0_or_1():
  """The released sigmoid is squeezed by 1 - 1e-5 around one half."""
  saturated = field(100.0), field(100.0)
  prediction, label = field(1.5), field(50.0)  # Phi(50) is 1
  found = loss(Depth("depth"), saturated, prediction, label)
  expected = (1 - 5e-6 - cdf(cdf(1.5))) + 5e-6
  chex.assert_trees_all_close(found, expected, rtol=2e-7)


@pytest.mark.parametrize(("present", "parts"), [(False, 1), (True, 1.5)])
def test_the_divisor_counts_the_targets_that_are_not_zero(present, parts):
  # Half the pixels are masked out: they still count, save in a label.
  off = 0.1
  rebuilt = field(logit(cdf(cdf(2.0)) + off)), field(logit(cdf(2.0) + off))
  found = loss(
    Depth("depth"),
    rebuilt,
    field(2.0),
    field(2.0),
    present=present,
    mask=HALF,
  )
  chex.assert_trees_all_close(found, parts * off, rtol=1e-4)


def test_segmentation_is_one_logistic_loss_for_each_class():
  task = Segmentation("segmentation", 3)
  ids = jnp.full((1, 2, 2), 2)
  outputs = field(0.5, -1.0, 2.0), field(0.0, 0.0, 1.0)
  softplus = lambda x: math.log1p(math.exp(x))
  expected = softplus(0.5) + softplus(-1) + softplus(2) - 0.5  # class 0
  expected += 2 * softplus(0) + softplus(1) - 1  # class 2
  found = loss(task, outputs, field(3.0, 0.0, 0.0), ids)
  chex.assert_trees_all_close(found, expected, rtol=1e-5)


def test_nothing_valid_is_finite():
  nowhere = np.zeros_like(WHOLE)
  for task in (Depth("depth"), Normals("normals")):
    ones = field(*[1.0] * task.channels)
    found = loss(task, (ones, ones), ones, jnp.nan * ones, mask=nowhere)
    assert math.isfinite(found)
