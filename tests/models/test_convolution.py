import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models.convolution import convolve

WINDOW = ((1, 1), "SAME")
AXES = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}


@pytest.fixture(autouse=True)
def rule_for_cpus(monkeypatch):
  """Test the rule on any device, and in full precision."""
  monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
  with jax.default_matmul_precision("highest"):
    yield


def arrays(size, dtype=jnp.float32):
  keys = jax.random.split(jax.random.key(size), 2)
  x = jax.random.normal(keys[0], (2, 7, 4, 3), dtype)
  return x, jax.random.normal(keys[1], (size, size, 3, 5), dtype)


def gradients(convolution, x, kernel):
  def loss(x, kernel):
    return jnp.sum(jnp.sin(convolution(x, kernel, *WINDOW, **AXES)))

  return jax.grad(loss, (0, 1))(x, kernel)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_values_and_gradients_are_those_of_jax(size):
  x, kernel = arrays(size)
  own = jax.lax.conv_general_dilated
  np.testing.assert_array_equal(
    convolve(x, kernel, *WINDOW, **AXES), own(x, kernel, *WINDOW, **AXES)
  )
  chex.assert_trees_all_close(
    gradients(convolve, x, kernel), gradients(own, x, kernel), rtol=1e-5
  )


def test_gradients_keep_the_type():
  found = gradients(convolve, *arrays(3, jnp.bfloat16))
  assert all(x.dtype == jnp.bfloat16 for x in found)


def test_gradients_of_many_networks_at_once():
  x, kernel = arrays(3)
  many = jnp.stack([x, 2 * x]), jnp.stack([kernel, 3 * kernel])
  found = jax.vmap(lambda *pair: gradients(convolve, *pair))(*many)
  for index in range(2):
    expected = gradients(convolve, *(array[index] for array in many))
    chex.assert_trees_all_close(
      jax.tree.map(lambda array, i=index: array[i], found), expected, rtol=1e-4
    )


def test_gradients_have_the_order_of_axes_that_is_fast_in_loops():
  text = jax.jit(lambda *pair: gradients(convolve, *pair)).lower(*arrays(3))
  orders = [
    line.split("dim_numbers = ")[1].split(", window")[0]
    for line in text.as_text().splitlines()
    if "stablehlo.convolution" in line
  ]
  assert len(orders) == 3
  assert set(orders) == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}
