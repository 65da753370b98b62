import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.data.augment import colour

NAMES = list(colour.OPERATIONS)
BINS = (0, 1, 2, 3, 4, 5)
STRONG = {"count": 2, "bins": tuple(range(20, 30))}


def photo(seed=0, count=2):
  shape = (count, 10, 13, 3)
  return np.random.default_rng(seed).random(shape).astype(np.float32)


@pytest.fixture(scope="module")
def apply():
  return jax.jit(colour.apply)


def test_tables_are_torchvisions():
  assert NAMES == [
    "identity", "brightness", "color", "contrast", "sharpness", "posterize",
    "solarize", "autocontrast", "equalize",
  ]  # fmt: skip
  bins = [0, 3, 5, 30]
  np.testing.assert_allclose(
    colour.OPERATIONS["color"].magnitudes[bins], [0, 0.09, 0.15, 0.9]
  )
  np.testing.assert_array_equal(
    colour.OPERATIONS["posterize"].magnitudes[bins], [8, 8, 7, 4]
  )
  np.testing.assert_allclose(
    colour.OPERATIONS["solarize"].magnitudes[bins], [255, 229.5, 212.5, 0]
  )


@pytest.mark.parametrize(
  "name", ["brightness", "color", "contrast", "sharpness"]
)
def test_signed_operations_without_magnitude_change_nothing(name, apply):
  image = photo()[0]
  result = apply(image, jnp.int32(NAMES.index(name)), jnp.float32(0))
  np.testing.assert_allclose(result, image, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_operations_stay_in_the_unit_range(name, apply):
  magnitude = colour.OPERATIONS[name].magnitudes[5]
  result = apply(
    photo()[0], jnp.int32(NAMES.index(name)), jnp.float32(magnitude)
  )
  assert result.min() >= 0
  assert result.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_operations_leave_a_black_image_finite(name, apply):
  black = np.zeros((10, 13, 3), np.float32)
  magnitude = colour.OPERATIONS[name].magnitudes[5]
  result = apply(black, jnp.int32(NAMES.index(name)), jnp.float32(magnitude))
  np.testing.assert_array_equal(result, black)


def test_every_8_bit_level_survives_the_way_to_the_device_and_back():
  levels = jnp.arange(256, dtype=jnp.uint8).reshape(16, 16, 1).repeat(3, -1)
  roundtrip = jax.jit(
    lambda x: colour.posterize(x.astype(jnp.float32) / 255, jnp.float32(8))
  )
  result = np.round(np.asarray(roundtrip(levels)) * 255)
  np.testing.assert_array_equal(result, levels)


def test_equalize_flattens_the_histogram():
  dark = (np.random.default_rng(0).random((64, 64, 3)) ** 3).astype(np.float32)
  result = np.asarray(jax.jit(colour.equalize)(dark, jnp.float32(0)))
  assert abs(np.median(dark) - 0.5) > 0.3
  assert abs(np.median(result) - 0.5) < 0.02


def test_draws_cover_the_table_uniformly():
  keys = jax.random.split(jax.random.key(0), 6000)
  draw = jax.vmap(lambda key: colour.draw(key, count=2, bins=BINS))
  index, magnitude = jax.tree.map(np.asarray, jax.jit(draw)(keys))
  share = np.bincount(index.ravel(), minlength=len(NAMES)) / index.size
  np.testing.assert_allclose(share, 1 / len(NAMES), atol=0.015)
  assert np.mean(index[:, 0] == index[:, 1]) < 0.15
  for number, operation in enumerate(colour.OPERATIONS.values()):
    allowed = operation.magnitudes[list(BINS)].astype(np.float32)
    if operation.signed:
      allowed = np.concatenate([allowed, -allowed])
    assert set(magnitude[index == number]) == set(allowed)


@pytest.fixture(scope="module")
def augment():
  @jax.jit
  @chex.assert_max_traces(n=1)
  def augment(images, keys):
    drawn = jax.vmap(lambda key: colour.draw(key, **STRONG))(keys)
    return colour.rand_augment(images, keys, **STRONG), drawn

  return augment


def test_an_image_depends_on_its_own_key_only(augment):
  keys = jax.random.split(jax.random.key(3), 5)
  images = photo(count=5)
  together = np.asarray(augment(images, keys)[0])
  others = photo(seed=1, count=5)
  others[2] = images[2]
  other_keys = jax.random.split(jax.random.key(4), 5).at[2].set(keys[2])
  mixed, _ = augment(others, other_keys)
  np.testing.assert_array_equal(together[2], mixed[2])
  assert len({image.tobytes() for image in together - images}) == 5


def test_operations_are_applied_one_after_the_other(augment, apply):
  images = photo(count=5)
  result, drawn = augment(images, jax.random.split(jax.random.key(5), 5))
  for n, image in enumerate(images):
    for index, magnitude in zip(drawn[0][n], drawn[1][n], strict=True):
      image = apply(image, index, magnitude)
    np.testing.assert_allclose(image, result[n], atol=1e-6)
