"""Batches that do not fit are refused when a method is traced."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from jtr_jax.methods import consistency, mtpsl, supervised, task_pairs
from jtr_jax.methods.jtr import joint_space, joint_tensor
from jtr_jax.models.mapping import MappingNet
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import TASKS


def of_shapes(method, inputs, init=None):
  """Trace a method's losses; nothing is computed."""
  params = {}
  if init:
    params, _ = jax.eval_shape(lambda: init(jax.random.key(0), batch.SIZE))
  return jax.eval_shape(method.losses, params, {}, inputs)


def changed(inputs, task, **fields):
  label = dataclasses.replace(inputs.labels[task], **fields)
  return inputs._replace(labels={**inputs.labels, task: label})


@pytest.fixture
def inputs(predictions, labels):
  return batch.make_input(predictions, labels)


def test_supervised_learning(inputs):
  method = supervised.supervised(TASKS)
  of_shapes(method, inputs)
  depth = inputs.labels["depth"]
  for wrong in (
    {"value": depth.value[..., 0]},
    {"value": depth.value[:, :1]},
    {"present": depth.present[:, :1]},
    {"valid": depth.valid[..., :1]},
  ):
    with pytest.raises(AssertionError):
      of_shapes(method, changed(inputs, "depth", **wrong))
  # Views that are not split off would be taken for images.
  with pytest.raises(AssertionError):
    supervised.supervised_losses(
      TASKS, inputs.predictions, inputs.labels, label_weighting="image"
    )


def test_consistency(inputs):
  method = consistency.consistency(TASKS)
  of_shapes(method, inputs)
  narrow = {
    **inputs.predictions,
    "depth": inputs.predictions["depth"][..., :1, :],
  }
  with pytest.raises(AssertionError):
    of_shapes(method, inputs._replace(predictions=narrow))


def test_mtpsl_with_a_feature_of_other_images(inputs):
  names = tuple(task.name for task in TASKS)
  method = mtpsl.mtpsl(TASKS, MappingNet(names, (4,)))
  of_shapes(method, inputs, method.init)
  features = jax.tree.map(lambda x: x[:, :1], inputs.features)
  with pytest.raises(AssertionError):
    of_shapes(method, inputs._replace(features=features), method.init)


@pytest.mark.parametrize("shape", [(3,), (2, 4, 3)])
def test_pairs_of_something_else_than_images(shape):
  with pytest.raises(AssertionError):
    task_pairs.fill_slots(jnp.ones(shape, bool))


def test_points_of_different_places():
  points = jnp.ones((2, 3, 4, 5)), jnp.ones((2, 1, 4, 5))
  for kind in ("cosine", "l1", "l2"):
    with pytest.raises(AssertionError):
      joint_space.distance(points, kind)


def test_labels_of_different_sizes(labels):
  of_view = {n: jax.tree.map(lambda x: x[0], v) for n, v in labels.items()}
  depth = of_view["depth"]
  of_view["depth"] = dataclasses.replace(depth, valid=depth.valid[:, :1])
  with pytest.raises(AssertionError):
    joint_tensor.common_mask(TASKS, of_view)


def test_images_without_an_axis_of_images():
  trunk = SegNet((4,))
  net = MultiTaskNet(trunk, tuple(Head(t.channels) for t in TASKS), TASKS)
  autoencoder = AutoEncoder(trunk, Head(7))
  for network, channels in ((net, 3), (autoencoder, 7)):
    shape = (*batch.SIZE, channels)
    params, state = jax.eval_shape(
      lambda network=network, shape=shape: network.init(
        jax.random.key(0), shape
      )
    )
    with pytest.raises(AssertionError):
      jax.eval_shape(
        lambda p, s, x, network=network: network(p, s, x, train=True),
        params,
        state,
        jax.ShapeDtypeStruct(shape, jnp.float32),
      )
