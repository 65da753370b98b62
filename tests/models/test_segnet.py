import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tests
from jtr_jax.models import segnet
from jtr_jax.models.base import pad_to_stride
from jtr_jax.models.segnet import Head, SegNet

GOLDEN = tests.GOLDEN / "jtr_nyuv2_step.npz"
SMALL = (4, 6, 8, 8, 8)
FULL = 25_055_185  # with heads of 13, 1 and 3 channels


def shapes(module, *inputs):
  init = functools.partial(module.init, train=True)
  return jax.eval_shape(init, jax.random.key(0), *inputs)


def make_variables(net, channels, dtype=np.float32):
  """Return random variables without running the net."""
  random = np.random.default_rng(1)

  def draw(path, leaf):
    name = path[-1].key
    spread = {"kernel": np.sqrt(2 / np.prod(leaf.shape[:-1]))}.get(name, 0.1)
    values = spread * random.normal(size=leaf.shape) + (
      name in ("scale", "var")
    )
    return values.astype(np.float32).astype(dtype)

  image = jnp.zeros((1, 32, 32, channels))
  return jax.tree.map_with_path(draw, shapes(net, image))


def count(filters, heads):
  """Return the number of parameters of net and heads, from their modules."""
  maps = jnp.zeros((1, 1, 1, 1)), jnp.zeros((1, 2, 2, filters[0]))
  features = segnet.features(*maps, (2, 2), 1)
  trees = [shapes(SegNet(filters), jnp.zeros((1, 32, 32, 3)))["params"]]
  trees += [shapes(Head(n), features)["params"] for n in heads]
  return sum(leaf.size for leaf in jax.tree.leaves(trees))


def released_count(filters, heads):
  """Return the same from the layer plan of the released code."""
  convs = list(zip((3, *filters), filters, strict=False))
  convs += [(f, f) for f in filters[:2]]
  convs += [(f, f) for f in filters[2:] for _ in range(2)]
  convs += list(zip(filters[1:], filters, strict=False))
  convs += [(filters[0], filters[0])] * 3
  convs += [(f, f) for f in filters[1:-1] for _ in range(2)]
  trunk = sum((9 * i + 1 + 2) * o for i, o in convs)
  wide = filters[0]
  return trunk + sum((9 * wide + 1) * wide + (wide + 1) * n for n in heads)


def test_parameter_count_of_the_recorded_net():
  with np.load(GOLDEN) as arrays:
    recorded = sum(
      arrays[name].size
      for name in arrays
      if name.startswith("model/") and name.endswith((".weight", ".bias"))
    )
    filters = tuple(arrays["filters"].tolist())
  assert count(filters, (13, 1, 3)) == recorded
  assert released_count(filters, (13, 1, 3)) == recorded


def test_parameter_count_of_the_full_net():
  assert count(segnet.FILTERS, (13, 1, 3)) == FULL
  assert released_count(segnet.FILTERS, (13, 1, 3)) == FULL


def test_any_size_is_padded_and_cropped():
  net = SegNet((4, 4))
  variables = make_variables(net, 3)
  image = np.random.default_rng(0).random((2, 37, 50, 3), np.float32)
  apply = jax.jit(functools.partial(net.apply, train=False))
  features = apply(variables, image)
  chex.assert_shape(features.maps["final"], (2, 37, 50, 4))
  chex.assert_shape(features.bottleneck, (2, 10, 13, 4))
  padded = np.pad(image, [(0, 0), (0, 3), (0, 2), (0, 0)], mode="edge")
  by_hand = apply(variables, padded)
  chex.assert_trees_all_equal(features.bottleneck, by_hand.bottleneck)
  chex.assert_trees_all_equal(
    features.maps["final"], by_hand.maps["final"][:, :37, :50]
  )


@pytest.mark.parametrize(
  ("size", "expected"), [((37, 50), (64, 64)), ((1, 33), (32, 64))]
)
def test_stride_of_five_stages(size, expected):
  features = jax.eval_shape(
    functools.partial(SegNet(SMALL).init_with_output, train=True),
    jax.random.key(0),
    jnp.zeros((2, *size, 3)),
  )[0]
  chex.assert_shape(features.maps["final"], (2, *size, 4))
  chex.assert_shape(
    features.bottleneck, (2, expected[0] // 32, expected[1] // 32, 8)
  )


def test_a_size_that_fits_is_left_alone():
  x = jnp.zeros((1, 64, 32, 2))
  assert pad_to_stride(x, 32) is x


def test_bfloat16_computes_small_and_stores_wide():
  net, head = SegNet((4, 4), dtype=jnp.bfloat16), Head(3, dtype=jnp.bfloat16)
  features, variables = jax.eval_shape(
    functools.partial(net.init_with_output, train=True),
    jax.random.key(0),
    jnp.zeros((1, 8, 8, 3)),
  )
  assert {leaf.dtype.name for leaf in features.maps.values()} == {"bfloat16"}
  leaves = jax.tree.leaves(variables)
  assert {leaf.dtype.name for leaf in leaves} == {"float32"}
  raw, _ = jax.eval_shape(
    functools.partial(head.init_with_output, train=True),
    jax.random.key(0),
    features,
  )
  assert raw.dtype == jnp.float32


def argmax_pool(x):
  """Return what `max_pool` returns, by an arg max and a one-hot code."""
  batch, height, width, channels = x.shape
  split = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
  flat = split.transpose(0, 1, 3, 5, 2, 4).reshape(
    batch, height // 2, width // 2, channels, 4
  )
  code = jnp.argmax(flat, axis=-1)
  return jnp.sum(flat * jax.nn.one_hot(code, 4, dtype=x.dtype), axis=-1), code


def gradient_and_codes(dtype):
  """Return numbers of the whole net, jitted, at 96 x 128."""
  net = SegNet(SMALL, dtype=jnp.dtype(dtype))
  variables = make_variables(net, 3, dtype)
  y, x = np.mgrid[:96, :128][..., None] / 20
  wave = np.sin(y) * np.cos(x * np.arange(1, 5))
  image = np.random.default_rng(0).normal(wave[..., :3], 0.1, (2, 96, 128, 3))

  def forward(module, image):
    bottleneck, codes = module.encode(image, train=True)
    return module.decode(bottleneck, codes, train=True), codes

  def loss(params, image):
    (final, codes), _ = net.apply(
      {**variables, "params": params},
      image,
      method=forward,
      mutable=["batch_stats"],
    )
    return jnp.mean(final * wave), codes

  program = jax.jit(
    jax.grad(loss, has_aux=True), compiler_options=tests.AS_EVERYWHERE
  )
  slope, codes = program(
    variables["params"], image.astype(np.float32).astype(dtype)
  )
  leaves = jax.tree.leaves(jax.tree.map(np.ravel, slope))
  return np.concatenate(leaves), [np.asarray(code) for code in codes]


def test_gradient_and_masks_of_the_whole_net_against_float64(monkeypatch):
  # Here, and not in a test of the pooling alone, masks go wrong that are made
  # by comparing pixels with the finished maximum.
  slope, codes = gradient_and_codes("float32")
  monkeypatch.setattr(segnet, "max_pool", argmax_pool)
  with jax.enable_x64(True):
    exact, exact_codes = gradient_and_codes("float64")
  error = np.linalg.norm(slope - exact) / np.linalg.norm(exact)
  assert error < 1e-2
  for code, expected in zip(codes, exact_codes, strict=True):
    assert np.mean(code == expected) > 0.998
