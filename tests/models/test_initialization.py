import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models.initialization import initialize
from jtr_jax.models.segnet import ConvNormRelu

IMAGE = jnp.zeros((1, 8, 8, 3))


def test_xavier_normal_kernels_zero_biases_neutral_norms():
  module = ConvNormRelu((40, 60))
  variables = initialize(module, jax.random.key(0), IMAGE)
  for name, fan_in, fan_out in (("conv0", 3, 40), ("conv1", 40, 60)):
    conv = variables["params"][name]
    kernel, bias = np.asarray(conv["kernel"]), conv["bias"]
    assert kernel.shape == (3, 3, fan_in, fan_out)
    expected = np.sqrt(2 / (9 * (fan_in + fan_out)))
    assert kernel.std() == pytest.approx(expected, rel=0.1)
    assert abs(kernel.mean()) < 0.1 * expected
    assert np.abs(kernel).max() > 2.5 * expected  # not truncated
    assert not bias.any()
  norm, state = variables["params"]["norm1"], variables["batch_stats"]["norm1"]
  assert (norm["scale"] == 1).all()
  assert not norm["bias"].any()
  assert (state["var"] == 1).all()
  assert not state["mean"].any()


def test_kernels_are_drawn_apart():
  variables = initialize(ConvNormRelu((3, 3)), jax.random.key(0), IMAGE)
  first, second = (variables["params"][f"conv{n}"]["kernel"] for n in (0, 1))
  assert np.intersect1d(first, second).size == 0


def test_a_parameter_of_unknown_name():
  class Scaled(nn.Module):
    @nn.compact
    def __call__(self, x, *, train):
      return x * self.param("gain", nn.initializers.ones, ())

  with pytest.raises(ValueError, match="Unknown parameter name"):
    initialize(Scaled(), jax.random.key(0), IMAGE)
