import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models.convolution import convolve

AXES = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}


@pytest.fixture(autouse=True)
def rule_for_cpus(monkeypatch):
  """Test the rule on any device."""
  monkeypatch.setattr(jax, "default_backend", lambda: "cpu")


@pytest.mark.parametrize(
  ("size", "stride", "dilation", "pads"),
  [
    (3, 1, 1, (1, 1)),
    (3, 2, 1, (0, 1)),
    (5, 2, 1, (1, 2)),
    (5, 1, 2, (4, 4)),
    (2, 3, 1, (0, 0)),
    (7, 1, 1, (3, 3)),
  ],
)
@pytest.mark.parametrize("groups", [1, 3])
def test_values_and_gradients_are_those_of_jax(
  size, stride, dilation, pads, groups
):
  random = np.random.default_rng(0)
  x = jnp.asarray(random.normal(size=(2, 13, 10, 3)), jnp.float32)
  shape = (size, size, 3 // groups, 3)
  kernel = jnp.asarray(random.normal(size=shape), jnp.float32)

  def evaluate(convolution):
    def loss(x, kernel):
      y = convolution(
        x,
        kernel,
        (stride, stride),
        (pads, pads),
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
        **AXES,
      )
      return jnp.sum(jnp.sin(y))

    return jax.jit(jax.value_and_grad(loss, (0, 1)))(x, kernel)

  found, expected = map(evaluate, (convolve, jax.lax.conv_general_dilated))
  chex.assert_trees_all_close(found, expected, rtol=1e-4, atol=1e-4)


def test_bfloat16_keeps_its_type_and_sums_wide():
  x = jnp.full((1, 9, 9, 4), 1.01, jnp.bfloat16)
  kernel = jnp.ones((5, 5, 1, 4), jnp.bfloat16)
  same = ((2, 2), (2, 2))
  y = convolve(x, kernel, (1, 1), same, feature_group_count=4, **AXES)
  assert y.dtype == jnp.bfloat16
  exact = 25 * x[0, 0, 0, 0].astype(jnp.float32)
  assert y[0, 4, 4, 0] == exact.astype(jnp.bfloat16)
