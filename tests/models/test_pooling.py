import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models.pooling import max_pool, max_unpool


@pytest.fixture(scope="module")
def x():
  """Small whole numbers, so that most windows have ties."""
  values = np.random.default_rng(0).integers(-2, 2, (3, 6, 8, 5))
  return values.astype(np.float32)


def windows(x):
  """Return [B, H/2, W/2, C, 4], row-major within the window."""
  batch, height, width, channels = x.shape
  split = np.reshape(x, (batch, height // 2, 2, width // 2, 2, channels))
  return split.transpose(0, 1, 3, 5, 2, 4).reshape(
    batch, height // 2, width // 2, channels, 4
  )


def test_maxima_and_the_first_of_equal_ones(x):
  maxima, code = jax.jit(max_pool)(x)
  expected = windows(x)
  chex.assert_trees_all_equal(maxima, expected.max(-1))
  chex.assert_trees_all_equal(code, expected.argmax(-1).astype(np.int8))
  assert ((expected == expected.max(-1, keepdims=True)).sum(-1) > 1).any()


@pytest.mark.parametrize("place", range(4))
def test_code_is_row_major(place):
  x = np.zeros((1, 2, 2, 1), np.float32)
  x.reshape(-1)[place] = 1
  assert max_pool(x)[1].tolist() == [[[[place]]]]


def test_gradient_goes_to_exactly_one_pixel(x):
  weight = jnp.arange(1.0, 1 + x.size / 4).reshape(3, 3, 4, 5)
  slope = jax.jit(jax.grad(lambda x: jnp.sum(weight * max_pool(x)[0])))(x)
  first = np.eye(4, dtype=np.float32)[windows(x).argmax(-1)]
  chex.assert_trees_all_equal(windows(slope), first * weight[..., None])


def test_unpool_puts_back_where_pool_found_it(x):
  restored = jax.jit(lambda x: max_unpool(*max_pool(x)))(x)
  first = np.eye(4, dtype=np.float32)[windows(x).argmax(-1)]
  chex.assert_trees_all_equal(windows(restored), first * windows(x))


def test_pool_undoes_unpool():
  random = np.random.default_rng(1)
  y = random.uniform(1, 2, (2, 3, 4, 5)).astype(np.float32)
  code = random.integers(0, 4, y.shape).astype(np.int8)
  again, found = jax.jit(lambda y: max_pool(max_unpool(y, code)))(y)
  chex.assert_trees_all_equal((again, found), (y, code))


def test_gradient_of_unpool_gathers():
  code = np.array([[[[3]]]], np.int8)
  weight = jnp.arange(4.0).reshape(1, 2, 2, 1)
  slope = jax.grad(lambda y: jnp.sum(weight * max_unpool(y, code)))
  assert slope(jnp.ones((1, 1, 1, 1))).item() == 3
