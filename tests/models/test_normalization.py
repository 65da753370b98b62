import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models.normalization import BatchNorm

MOMENTUM, EPSILON = 0.9, 1e-5
VARIABLES = {
  "params": {"scale": jnp.array([2.0, 0.5]), "bias": jnp.array([1.0, -1.0])},
  "batch_stats": {"mean": jnp.array([0.3, 0.1]), "var": jnp.array([2.0, 3.0])},
}


def images(shape=(3, 4, 5, 2), offset=0.0):
  values = np.random.default_rng(0).normal(offset, 3, shape)
  return values.astype(np.float32)


@functools.partial(jax.jit, static_argnums=0)
def train(module, variables, x):
  return module.apply(variables, x, train=True, mutable=["batch_stats"])


def normalised(x, mean, var):
  scale, bias = (np.asarray(p) for p in VARIABLES["params"].values())
  return (x - mean) / np.sqrt(var + EPSILON) * scale + bias


def updated(old, new):
  return MOMENTUM * np.asarray(old) + (1 - MOMENTUM) * new


def test_batch_statistics():
  x = images()
  y, state = train(BatchNorm(), VARIABLES, x)
  axes = (0, 1, 2)
  expected = normalised(x, x.mean(axes), x.var(axes))
  chex.assert_trees_all_close(y, expected, atol=1e-5)
  old = VARIABLES["batch_stats"]
  chex.assert_trees_all_close(
    state["batch_stats"],
    {
      "mean": updated(old["mean"], x.mean(axes)),
      "var": updated(old["var"], x.var(axes, ddof=1)),
    },
    rtol=1e-5,
  )


def test_image_statistics_are_those_of_each_image_alone():
  x = images()
  y, _ = train(BatchNorm("image"), VARIABLES, x)
  axes = (1, 2)
  mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
  chex.assert_trees_all_close(y, normalised(x, mean, var), atol=1e-5)


def test_image_statistics_update_as_a_loop_over_images_would():
  x = images()
  _, together = train(BatchNorm("image"), VARIABLES, x)
  variables = VARIABLES
  for image in x:
    _, state = train(BatchNorm("batch"), variables, image[None])
    variables = {**variables, **state}
  chex.assert_trees_all_close(
    together["batch_stats"], variables["batch_stats"], rtol=1e-5
  )
  _, backwards = train(BatchNorm("image"), VARIABLES, x[::-1])
  assert not np.allclose(
    together["batch_stats"]["mean"], backwards["batch_stats"]["mean"]
  )


@pytest.mark.parametrize("statistics", ["batch", "image"])
def test_evaluation_uses_the_running_statistics(statistics):
  x = images()
  y = BatchNorm(statistics).apply(VARIABLES, x, train=False)
  running = (np.asarray(s) for s in VARIABLES["batch_stats"].values())
  chex.assert_trees_all_close(y, normalised(x, *running), atol=1e-5)


def test_initialisation_is_the_identity_of_statistics():
  variables = BatchNorm().init(jax.random.key(0), images(), train=True)
  one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
  chex.assert_trees_all_equal(
    variables,
    {
      "params": {"scale": one, "bias": zero},
      "batch_stats": {"mean": zero, "var": one},
    },
  )


def test_bfloat16_keeps_float32_statistics():
  x = jnp.asarray(images(offset=100), jnp.bfloat16)
  y, state = train(BatchNorm(dtype=jnp.bfloat16), VARIABLES, x)
  assert y.dtype == jnp.bfloat16
  exact = np.asarray(x, np.float64)
  new, old = state["batch_stats"], VARIABLES["batch_stats"]
  assert new["mean"].dtype == new["var"].dtype == jnp.float32
  chex.assert_trees_all_close(
    (new["mean"], new["var"]),
    (
      updated(old["mean"], exact.mean((0, 1, 2))),
      updated(old["var"], exact.var((0, 1, 2), ddof=1)),
    ),
    rtol=1e-5,
  )


def test_a_large_mean_does_not_cancel_the_variance():
  x = images(offset=1e4)
  _, state = train(BatchNorm(), VARIABLES, x)
  exact = x.astype(np.float64).var((0, 1, 2), ddof=1)
  expected = updated(VARIABLES["batch_stats"]["var"], exact)
  chex.assert_trees_all_close(
    state["batch_stats"]["var"], expected.astype(np.float32), rtol=1e-4
  )


def test_the_update_is_no_matrix_product():
  # An accelerator would round its factors to bfloat16.
  update = functools.partial(train, BatchNorm("image"), VARIABLES)
  assert "dot_general" not in str(jax.make_jaxpr(update)(images()))


@pytest.mark.parametrize("statistics", ["batch", "image"])
@pytest.mark.parametrize(
  "x", [np.full((2, 4, 4, 2), 7.0, np.float32), images((2, 1, 1, 2))]
)
def test_gradient_is_finite_without_any_variance(statistics, x):
  def total(x):
    y, state = train(BatchNorm(statistics), VARIABLES, x)
    return jnp.sum(jnp.sin(y)), state

  slope, state = jax.grad(total, has_aux=True)(x)
  chex.assert_tree_all_finite((slope, state))


def test_running_statistics_let_no_gradient_through():
  def total(x):
    _, state = train(BatchNorm(), VARIABLES, x)
    return sum(jnp.sum(s) for s in state["batch_stats"].values())

  assert not np.any(jax.grad(total)(images()))


def test_without_running_averages_there_is_no_state():
  x = images()
  module = BatchNorm("image", running=False)
  assert set(module.init(jax.random.key(0), x, train=True)) == {"params"}
  params = {"params": VARIABLES["params"]}
  expected, _ = train(BatchNorm("image"), VARIABLES, x)
  for mode in (True, False):  # the statistics are always those of the input
    found = module.apply(params, x, train=mode)
    chex.assert_trees_all_close(found, expected, atol=1e-5)
