import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.models import parameter_names
from jtr_jax.models.backbones.registry import BACKBONES
from jtr_jax.models.base import FLOAT32
from jtr_jax.train.parameter_rates import scale_rates


def tree(*names):
  """Return parameters with a one below each of the names."""
  return {
    "encoder": {
      "backbone": {name: {"kernel": jnp.ones(())} for name in names},
      "neck": {"kernel": jnp.ones(())},
    },
    "decoder_depth": {"kernel": jnp.ones(())},
  }


def factors(params, **options):
  transform = scale_rates(**options)
  scaled, _ = transform.update(params, transform.init(params))
  return {
    parameter_names.name_of(path): float(x)
    for path, x in jax.tree.leaves_with_path(scaled)
  }


def test_the_backbone_has_a_rate_of_its_own():
  found = factors(tree("stem", "block0"), backbone=0.25, layer_decay=1.0)
  assert found == {
    "encoder/backbone/stem/kernel": 0.25,
    "encoder/backbone/block0/kernel": 0.25,
    "encoder/neck/kernel": 1,
    "decoder_depth/kernel": 1,
  }


def test_every_block_has_less_than_the_next():
  blocks = [f"block{n}" for n in range(12)]
  params = tree("class_token", "patches", *blocks, "norm")
  found = factors(params, backbone=1.0, layer_decay=0.5)
  below = lambda name: found[f"encoder/backbone/{name}/kernel"]
  assert below("patches") == below("class_token") == 0.5**13
  for n in range(12):
    assert below(f"block{n}") == 0.5 ** (12 - n)
  assert below("norm") == found["decoder_depth/kernel"] == 1


def test_stages_are_counted_on():
  parts = ["stem", "layer1_block0", "layer1_block1", "layer2_block0"]
  found = factors(tree(*parts), backbone=2.0, layer_decay=0.5)
  values = [found[f"encoder/backbone/{part}/kernel"] for part in parts]
  assert values == [2 * 0.5**4, 2 * 0.5**3, 2 * 0.5**2, 2 * 0.5]


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "dinov2_small"])
def test_every_part_of_a_real_backbone_has_its_place(name):
  """From the image on, no part learns faster than one behind it."""
  module = BACKBONES[name].make(FLOAT32, width=0.1, depth=0.3)
  shapes = jax.eval_shape(
    lambda: module.init(
      jax.random.key(0), jnp.zeros((1, 28, 28, 3)), train=False
    )
  )
  params = {"encoder": {"backbone": shapes["params"]}}
  ones = jax.tree.map(lambda x: jnp.ones(()), params)
  found = factors(ones, backbone=1.0, layer_decay=0.5)
  first = [v for n, v in found.items() if "stem" in n or "patches" in n]
  assert max(first) == min(found.values())
  assert max(found.values()) in (0.5, 1.0)
  assert len(set(found.values())) > 4


def test_frozen_blocks_leave_the_others_where_they_were():
  blocks = ("block0", "block1", "block2")
  whole = factors(tree(*blocks), backbone=1.0, layer_decay=0.5)
  part = factors(tree(*blocks[1:]), backbone=1.0, layer_decay=0.5)
  assert all(whole[name] == value for name, value in part.items())


def test_a_network_without_a_backbone_is_told_before_training():
  transform = optax.chain(scale_rates(backbone=0.1, layer_decay=1.0))
  params = {"encoder": {"encoder0": {"kernel": np.ones(2)}}}
  with pytest.raises(ValueError, match=r"no backbone to train.*0\.1"):
    jax.eval_shape(transform.init, params)
