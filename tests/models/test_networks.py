"""Every family of networks at tiny width, with every head."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.models import networks
from jtr_jax.models.backbones.registry import BACKBONES
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.segmentation import Segmentation

TASKS = (Segmentation("segmentation", 5), Depth("depth"))
SIZE = (37, 50)
FAMILIES = {
  "resnet18": {"head": "fpn", "shared_trunk": True},
  "resnet50": {"head": "deeplabv3"},
  "vgg16": {"head": "linear"},
  "vgg16_bn": {"head": "fpn"},
  "mobilenet_v2": {"head": "deeplabv3_plus", "shared_trunk": True},
  "efficientnet_v2_s": {"output_stride": 8},
  "efficientnet_lite0": {"head": "fpn"},
  "convnext_tiny": {"head": "deeplabv3", "shared_trunk": True},
  "dinov2_small": {"head": "dpt"},
  "dinov2_small_reg4": {"head": "linear"},
  "dinov3_small": {"head": "dpt", "shared_trunk": True},
}


def make(name, dtype=jnp.float32, **fields):
  tiny = {"width_factor": 1 / 16, "depth_factor": 0.01, "head_width": 8}
  settings = dataclasses.replace(
    networks.default_settings(name), **{**tiny, **FAMILIES[name], **fields}
  )
  return networks.make_network(TASKS, name, settings, dtype)


def draw(net):
  """Return random variables without compiling anything."""
  random = np.random.default_rng(0)
  shapes = jax.eval_shape(lambda key: net.init(key, (*SIZE, 3)), KEY)

  def values(path, leaf):
    noise = random.normal(size=leaf.shape)
    if path[-1].key == "kernel":
      return noise / np.sqrt(np.prod(leaf.shape[:-1]))
    return 0.1 * noise + (path[-1].key in ("scale", "var"))

  variables = jax.tree.map_with_path(values, shapes)
  return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), variables)


KEY = jax.random.key(0)


def labels(hidden):
  """Return labels of two images; where none may be seen there is `hidden`."""
  random = np.random.default_rng(2)
  classes = random.integers(0, 5, (2, *SIZE)).astype(np.int32)
  depth = random.uniform(1, 5, (2, *SIZE, 1)).astype(np.float32)
  valid = random.random((2, *SIZE)) < 0.7
  present = np.array([[True, False], [True, True]])
  depth[~(valid & present[:, 1, None, None])] = hidden
  return {
    "segmentation": Label(classes, valid, present[:, 0]),
    "depth": Label(depth, valid, present[:, 1]),
  }


@pytest.mark.parametrize("name", FAMILIES)
def test_any_size_and_every_parameter_has_a_gradient(name):
  net = make(name)
  params, state = draw(net)
  images = jnp.asarray(np.random.default_rng(1).random((2, *SIZE, 3)))

  @jax.jit
  def gradients(params, labels):
    def loss(params):
      output, _ = net(params, state, images, train=True, key=KEY)
      losses = [
        t.loss(output.predictions[t.name], labels[t.name]) for t in TASKS
      ]
      return sum(jnp.sum(w.sum) / jnp.sum(w.weight) for w in losses), output

    return jax.grad(loss, has_aux=True)(params)

  gradient, output = gradients(params, labels(0.0))
  chex.assert_shape(output.predictions["segmentation"], (2, *SIZE, 5))
  chex.assert_shape(output.predictions["depth"], (2, *SIZE, 1))
  features = output.features
  assert features.size == SIZE
  assert features.names[-1] in features.maps
  for path, leaf in jax.tree.leaves_with_path(gradient):
    assert jnp.all(jnp.isfinite(leaf)), path
    assert jnp.any(leaf != 0), path
  layer = gradient["encoder"]
  for part in net.last_shared_layer:
    layer = layer[part]
  assert "kernel" in layer
  # What is hidden reaches nothing, and a state that was stored goes on alike.
  stored = jax.tree.map(jnp.asarray, jax.device_get(params))
  again, _ = gradients(stored, labels(np.nan))
  chex.assert_trees_all_equal(again, gradient)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_has_its_usual_head(name):
  settings = networks.default_settings(name)
  net = networks.make_network(TASKS, name, settings, jnp.float32)
  assert net.encoder.sources


@pytest.mark.parametrize("name", FAMILIES)
def test_bfloat16_computes_small_and_stores_wide(name):
  net = make(name, jnp.bfloat16, remat=True)

  def run(key):
    params, state = net.init(key, (*SIZE, 3))
    images = jnp.zeros((2, *SIZE, 3))
    return params, net(params, state, images, train=True, key=key)

  params, (output, _) = jax.eval_shape(run, KEY)
  assert {leaf.dtype.name for leaf in jax.tree.leaves(params)} == {"float32"}
  maps = output.features.maps.values()
  assert {x.dtype.name for x in maps} == {"bfloat16"}
  assert {x.dtype.name for x in output.predictions.values()} == {"float32"}


def test_a_shared_trunk_belongs_to_the_encoder():
  nets = [make("resnet18", shared_trunk=shared) for shared in (False, True)]
  own, shared = (
    jax.eval_shape(lambda key, net=net: net.init(key, (*SIZE, 3)), KEY)[0]
    for net in nets
  )
  assert "neck" not in own["encoder"]
  assert "trunk" in own["decoder_depth"]
  assert "smooth" in shared["encoder"]["neck"]
  assert "trunk" not in shared["decoder_depth"]


@pytest.mark.parametrize(
  ("name", "fields", "message"),
  [
    ("dinov2_small", {"head": "fpn"}, "does not fit this backbone"),
    ("dinov3_small", {"head": "deeplabv3_plus"}, "does not fit this backbone"),
    ("resnet18", {"head": "dpt"}, "does not fit this backbone"),
    ("vgg16", {"output_stride": 8}, "cannot dilate"),
    ("resnet18", {"input": "imagenett"}, "Did you mean 'imagenet'"),
  ],
)
def test_settings_that_do_not_go_together(name, fields, message):
  with pytest.raises(ValueError, match=message):
    make(name, **fields)


def test_an_input_of_other_channels():
  net = make("resnet18")
  shape = lambda key: net.init(key, (*SIZE, 4))
  with pytest.raises(ValueError, match=r"3 values, 4 channels"):
    jax.eval_shape(shape, KEY)
  other = make("resnet18", input="own", mean=(0.5,), std=(0.1, 0.2, 0.3, 0.4))
  params, _ = jax.eval_shape(lambda key: other.init(key, (*SIZE, 4)), KEY)
  stem = params["encoder"]["backbone"]["stem"]["conv"]["kernel"]
  assert stem.shape[:3] == (7, 7, 4)
