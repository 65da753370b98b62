import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation

TASKS = (Segmentation("segmentation", 5), Depth("depth"), Normals("normals"))
SHAPE = (8, 8, 3)


def make_net(tasks):
  heads = tuple(Head(task.channels) for task in tasks)
  return MultiTaskNet(SegNet((4, 4)), heads, tasks)


def init(net, seed, shape=SHAPE):
  make = jax.jit(functools.partial(net.init, image_shape=shape))
  return make(jax.random.key(seed))


@pytest.fixture(scope="module")
def net():
  return make_net(TASKS)


@pytest.fixture(scope="module")
def variables(net):
  return init(net, 0)


@pytest.fixture(scope="module")
def images():
  return np.random.default_rng(0).random((3, *SHAPE), np.float32)


@pytest.fixture(scope="module")
def trained(net, variables, images):
  return jax.jit(functools.partial(net.predict, train=True))(*variables, images)


@pytest.fixture(scope="module")
def evaluate(net):
  return jax.jit(functools.partial(net.predict, train=False))


def test_groups_are_the_encoder_and_a_decoder_for_each_task(variables):
  groups = {
    "encoder",
    "decoder_segmentation",
    "decoder_depth",
    "decoder_normals",
  }
  params, state = variables
  assert set(params) == set(state) == groups


def test_init_is_a_function_of_the_key(net, variables):
  chex.assert_trees_all_equal(init(net, 0), variables)
  kernel = lambda params: params["decoder_depth"]["conv0"]["kernel"]
  assert not np.array_equal(kernel(init(net, 1)[0]), kernel(variables[0]))


def test_init_of_a_part_does_not_depend_on_the_other_tasks(variables):
  params, state = init(make_net(TASKS[1:2]), 0)
  together = variables
  chex.assert_trees_all_equal(
    (params, state),
    tuple({name: tree[name] for name in params} for tree in together),
  )


def test_decoders_start_differently(variables):
  kernels = [
    variables[0][f"decoder_{task.name}"]["conv0"]["kernel"] for task in TASKS
  ]
  assert not np.array_equal(kernels[0], kernels[1])
  assert not np.array_equal(kernels[1], kernels[2])


def test_predictions_are_activated(trained):
  predictions, _ = trained
  shapes = {name: x.shape for name, x in predictions.items()}
  assert shapes == {
    "segmentation": (3, 8, 8, 5),
    "depth": (3, 8, 8, 1),
    "normals": (3, 8, 8, 3),
  }
  length = jnp.linalg.norm(predictions["normals"], axis=-1)
  chex.assert_trees_all_close(length, jnp.ones_like(length), rtol=1e-5)


def test_training_moves_the_statistics_of_the_encoder(variables, trained):
  _, state = trained
  chex.assert_trees_all_equal_shapes_and_dtypes(state, variables[1])
  before, after = (jax.tree.leaves(s) for s in (variables[1], state))
  assert all(
    not np.array_equal(a, b) for a, b in zip(before, after, strict=True)
  )


def test_evaluation_leaves_the_state_and_sees_one_image(
  variables, images, trained, evaluate
):
  params, state = variables[0], trained[1]
  predictions, after = evaluate(params, state, images)
  chex.assert_trees_all_equal(after, state)
  others = np.concatenate([images[:1], 1 - images[1:]])
  again, _ = evaluate(params, state, others)
  first = lambda tree: jax.tree.map(lambda x: x[0], tree)
  chex.assert_trees_all_close(first(again), first(predictions), atol=1e-6)
  assert not np.allclose(first(trained[0])["depth"], predictions["depth"][0])


def test_predict_is_encode_then_decode(net, variables, images, trained):
  @jax.jit
  def by_hand(params, state):
    features, encoder = net.encode(params, state, images, train=True)
    copies = (features,) * len(net.tasks)
    predictions, decoders = net.decode(params, state, copies, train=True)
    return predictions, {"encoder": encoder, **decoders}

  chex.assert_trees_all_close(by_hand(*variables), trained, atol=1e-6)


@pytest.fixture(scope="module")
def autoencoder():
  return AutoEncoder(SegNet((4, 4), statistics="image"), Head(6))


def test_autoencoder(autoencoder):
  joint = np.random.default_rng(0).random((2, 6, 9, 6), np.float32)
  params, state = init_autoencoder(autoencoder)
  assert set(params) == {"trunk", "head"}
  run = jax.jit(autoencoder)
  bottleneck, rebuilt, after = run(params, state, joint)
  chex.assert_shape(bottleneck, (2, 2, 3, 4))
  chex.assert_shape(rebuilt, joint.shape)
  chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
  alone, _, _ = run(params, state, joint[:1])
  chex.assert_trees_all_close(alone, bottleneck[:1], atol=1e-5)


def init_autoencoder(autoencoder):
  make = jax.jit(functools.partial(autoencoder.init, joint_shape=(8, 8, 6)))
  return make(jax.random.key(0))
