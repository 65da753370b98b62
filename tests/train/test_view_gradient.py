"""What reaches the network from a view that trains nothing but a method."""

import dataclasses
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label, ViewSpec
from jtr_jax.methods.base import MethodInput
from jtr_jax.methods.jtr.jtr import jtr
from jtr_jax.methods.jtr.settings import RELEASED
from jtr_jax.train.forward import run_views
from tests.train import tiny

VIEWS, BATCH = 3, 2
STOPPED = dataclasses.replace(RELEASED, view2_grad="stopped")


def make_method(settings):
  return jtr(tiny.TASKS, tiny.make_autoencoder(), settings)


class Pass(NamedTuple):
  """One pass of the network over three views.

  Attributes:
    depth: predictions f32[V, B, H, W, 1].
    state: new running statistics.
    by_params: gradient of the depths of views 0 and 1.
    by_images: the same, f32[V, B, H, W, 3].
  """

  depth: np.ndarray
  state: Any
  by_params: Any
  by_images: np.ndarray


@pytest.fixture(scope="module")
def images():
  draw = np.random.default_rng(0)
  shape = (VIEWS, BATCH, *tiny.SIZE, 3)
  return jnp.asarray(draw.random(shape), jnp.float32)


@pytest.fixture(scope="module")
def variables():
  net = tiny.make_net()
  return jax.jit(net.init, static_argnums=1)(jax.random.key(0), (*tiny.SIZE, 3))


@pytest.fixture(scope="module")
def passes(images, variables):
  """The pass for each set of views."""
  net, (params, state) = tiny.make_net(), variables

  def loss(params, images, specs):
    seen, new_state = run_views(net, params, state, images, specs)
    depth = seen.predictions["depth"]
    trained = jnp.asarray([spec.trains for spec in specs])
    total = jnp.sum(jnp.where(trained[:, None], depth.sum((2, 3, 4)), 0) ** 2)
    return total, (depth, new_state)

  @jax.jit
  def all_of_them(params, images):
    differentiate = jax.grad(loss, argnums=(0, 1), has_aux=True)
    found = {}
    for name, specs in SPECS.items():
      gradients, seen = differentiate(params, images, specs)
      found[name] = Pass(*seen, *gradients)
    return found

  return jax.device_get(all_of_them(params, images))


SPECS = {
  "coupled": make_method(RELEASED).views,
  "stopped": make_method(STOPPED).views,
  "between": (ViewSpec(None), ViewSpec(0, trains=False), ViewSpec(0)),
}


def is_zero(tree):
  return not any(np.any(leaf) for leaf in jax.tree.leaves(tree))


def test_views_say_who_trains():
  common = (ViewSpec(None), ViewSpec(0))
  assert SPECS["coupled"] == (*common, ViewSpec(0))
  assert SPECS["stopped"] == (*common, ViewSpec(0, trains=False))


@pytest.mark.parametrize(
  ("name", "reached"),
  [
    ("coupled", [True, True, True]),  # the last one through batch norm
    ("stopped", [True, True, False]),
    ("between", [True, False, True]),
  ],
)
def test_losses_of_other_views_reach(passes, name, reached):
  slopes = passes[name].by_images
  assert np.any(slopes, axis=(1, 2, 3, 4)).tolist() == reached
  assert not is_zero(passes[name].by_params["encoder"])


@pytest.mark.parametrize(("name", "apart"), [("stopped", 2), ("between", 1)])
def test_view_apart_has_statistics_of_its_own(
  passes, images, variables, name, apart
):
  net, found = tiny.make_net(), passes[name]

  @jax.jit
  def alone(images):
    flat = images.reshape(-1, *images.shape[2:])
    predictions, state = net.predict(*variables, flat, train=True)
    return predictions["depth"].reshape(*images.shape[:-1], 1), state

  trained = [view for view in range(VIEWS) if view != apart]
  depth, state = alone(images[np.array(trained)])
  chex.assert_trees_all_close(found.depth[trained], depth, rtol=1e-4, atol=1e-5)
  chex.assert_trees_all_close(found.state, state, rtol=1e-5)
  depth, _ = alone(images[apart : apart + 1])
  chex.assert_trees_all_close(
    found.depth[apart], depth[0], rtol=1e-4, atol=1e-5
  )
  assert np.abs(passes["coupled"].depth[apart] - depth[0]).max() > 1e-2


def test_terms_of_view_2_train_the_autoencoder_alone(images, variables):
  net, method = tiny.make_net(), make_method(STOPPED)
  labels = make_labels()

  @jax.jit
  def slopes(params, state, images, key):
    def second(params, own):
      seen, _ = run_views(net, params, state, images, method.views)
      inputs = MethodInput(*seen, labels, jnp.int32(0), key)
      terms = method.losses(own, own_state, inputs).regularizers
      names = ("jtr_autoencoder_distance", "jtr_reconstruction")
      return sum(jnp.sum(terms[name]) for name in names)

    own, own_state = method.init(key, tiny.SIZE)
    return jax.grad(second, argnums=(0, 1))(params, own)

  network, own = slopes(*variables, images, jax.random.key(1))
  assert is_zero(network)
  assert not is_zero(own["trunk"])
  assert not is_zero(own["head"])


def make_labels():
  """One label an image, the same in every view."""
  present = {"segmentation": [1, 0], "depth": [0, 1], "normals": [0, 0]}
  labels = {}
  for task in tiny.TASKS:
    shape = (VIEWS, BATCH, *tiny.SIZE)
    is_ids = task.name == "segmentation"
    value = (
      jnp.ones(shape, jnp.int32)
      if is_ids
      else jnp.ones((*shape, task.channels))
    )
    shown = jnp.broadcast_to(jnp.asarray(present[task.name], bool), shape[:2])
    labels[task.name] = Label(value, jnp.ones(shape, bool), shown)
  return labels
