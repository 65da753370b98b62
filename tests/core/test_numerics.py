import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core import numerics

NAN = jnp.nan


def gradient(function, *inputs):
  """Return the gradient of the summed output in every input."""
  total = lambda *x: jnp.sum(function(*x))
  return jax.grad(total, argnums=tuple(range(len(inputs))))(*inputs)


@pytest.mark.parametrize(
  ("dtype", "expected"),
  [("bfloat16", "float32"), ("int8", "float32"), ("float32", "float32")],
)
def test_widen_to_float32(dtype, expected):
  assert numerics.widen(jnp.ones(2, dtype)).dtype == expected


def test_widen_keeps_float64():
  with jax.enable_x64(True):
    assert numerics.widen(jnp.ones(2, "float64")).dtype == "float64"


def test_safe_divide_value_and_gradient():
  a, b = jnp.array([6.0, 5.0]), jnp.array([3.0, 0.0])
  chex.assert_trees_all_equal(numerics.safe_divide(a, b), jnp.array([2.0, 0.0]))
  by_a, by_b = gradient(numerics.safe_divide, a, b)
  chex.assert_trees_all_close(by_a, jnp.array([1 / 3, 0]), rtol=1e-6)
  chex.assert_trees_all_close(by_b, jnp.array([-2 / 3, 0]), rtol=1e-6)


def test_safe_norm_value_and_gradient():
  x = jnp.array([[3.0, 4.0], [0.0, 0.0]])
  chex.assert_trees_all_close(
    numerics.safe_norm(x), jnp.array([[5.0], [0.0]]), rtol=1e-6
  )
  (slope,) = gradient(numerics.safe_norm, x)
  chex.assert_trees_all_close(
    slope, jnp.array([[0.6, 0.8], [0.0, 0.0]]), rtol=1e-6
  )
  chex.assert_shape(numerics.safe_norm(x, axis=0), (1, 2))


def test_safe_unit_has_no_gradient_along_the_vector():
  x = jnp.array([[3.0, 4.0], [0.0, 0.0]])
  unit = jnp.array([[0.6, 0.8], [0.0, 0.0]])
  chex.assert_trees_all_close(numerics.safe_unit(x), unit, rtol=1e-6)
  slopes = jax.jacobian(numerics.safe_unit)(x)
  chex.assert_tree_all_finite(slopes)
  chex.assert_trees_all_close(slopes[0, :, 0] @ x[0], jnp.zeros(2), atol=1e-6)
  assert not jnp.any(slopes[1])


@pytest.mark.parametrize("channels", [(), (2,)])
def test_fill_hides_values_and_gradients(channels):
  mask = jnp.array([[True, False]])
  values = jnp.full((1, 2, *channels), 5.0).at[0, 1].set(NAN)
  filled = numerics.fill(values, mask, 7)
  chex.assert_trees_all_equal(filled[0, 0], jnp.full(channels, 5.0))
  chex.assert_trees_all_equal(filled[0, 1], jnp.full(channels, 7.0))
  (slope,) = gradient(lambda x: jnp.square(numerics.fill(x, mask)), values)
  chex.assert_trees_all_equal(slope[0, 0], jnp.full(channels, 10.0))
  chex.assert_trees_all_equal(slope[0, 1], jnp.zeros(channels))


def test_fill_keeps_the_type():
  filled = numerics.fill(jnp.ones((1, 2), jnp.int8), jnp.zeros((1, 2), bool), 3)
  assert filled.dtype == jnp.int8
  assert filled.tolist() == [[3, 3]]


def test_masked_sum_is_blind_to_what_is_masked():
  values = jnp.array([[1.0, NAN], [2.0, 4.0]])
  mask = jnp.array([[True, False], [True, True]])
  total = functools.partial(numerics.masked_sum, mask=mask, axis=(0, 1))
  assert total(values) == 7
  (slope,) = gradient(total, values)
  chex.assert_trees_all_equal(slope, mask.astype(jnp.float32))


@pytest.mark.parametrize("degrees", [0.0, 1e-3, 45.0, 90.0, 179.999, 180.0])
def test_safe_angle_keeps_its_digits_everywhere(degrees):
  radians = np.deg2rad(degrees)
  a = jnp.array([2.0, 0.0, 0.0])
  b = 5 * jnp.array([np.cos(radians), np.sin(radians), 0.0])
  angle = numerics.safe_angle_deg(a, b)
  chex.assert_trees_all_close(float(angle), degrees, rtol=1e-5, atol=2e-5)
  chex.assert_tree_all_finite(gradient(numerics.safe_angle_deg, a, b))


def test_safe_angle_of_a_zero_vector():
  zero, one = jnp.zeros(3), jnp.ones(3)
  assert numerics.safe_angle_deg(zero, one) == 0
  chex.assert_tree_all_finite(gradient(numerics.safe_angle_deg, zero, one))
