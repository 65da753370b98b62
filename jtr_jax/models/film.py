"""FiLM: convolutions whose output is scaled and shifted by a condition.

Source: Perez et al. 2018 (FiLM); released MTPSL model/mapfns.py, `conv_task`.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.convolution import convolution
from jtr_jax.models.normalization import BatchNorm


class FilmConv(nn.Module):
  """Convolution, batch norm over each image, FiLM, ReLU.

  The condition is an argument, so that one batch may hold maps of many
  conditions.

  Attributes:
    width: channels of the output.
    conditions: how many there are; each has a scale gamma and a shift beta for
      every channel, 1 and 0 at the start.
    dtype: dtype of the computation; parameters are float32.
  """

  width: int
  conditions: int
  dtype: jnp.dtype = jnp.float32

  def setup(self) -> None:
    """Define the parameters."""
    self.conv = convolution(self.width, 3, self.dtype)
    self.norm = BatchNorm("image", running=False, dtype=self.dtype)
    shape = (self.conditions, self.width)
    self.gamma = self.param("gamma", nn.initializers.ones, shape)
    self.beta = self.param("beta", nn.initializers.zeros, shape)

  def __call__(self, x: jax.Array, condition: jax.Array) -> jax.Array:
    """Return f32[N, H, W, width] of x [N, H, W, C].

    Args:
      x: the maps.
      condition: f32[N, conditions], one-hot; a row of zeros gives zeros.
    """
    return self.modulate(self.normalise(x), condition)

  def normalise(self, x: jax.Array) -> jax.Array:
    """Return the part that does not depend on the condition."""
    return self.norm(self.conv(x), train=True)

  def modulate(self, x: jax.Array, condition: jax.Array) -> jax.Array:
    """Return relu(gamma x + beta), gamma and beta of each map's condition."""
    gamma, beta = (
      select(condition, table)[:, None, None].astype(x.dtype)
      for table in (self.gamma, self.beta)
    )
    return nn.relu(gamma * x + beta)


def select(chosen: jax.Array, rows: jax.Array) -> jax.Array:
  """Return the rows that one-hot vectors choose, zeros for a zero vector.

  A product of matrices, because the gradient of a gather is a scatter, whose
  order of additions an accelerator does not fix. Exact: at the highest
  precision 1 x is x.

  Args:
    chosen: f32[..., N, R], one-hot along the last axis.
    rows: f32[..., R, C], with the same leading axes.

  Returns:
    [..., N, C].
  """
  return jnp.matmul(
    chosen.astype(rows.dtype), rows, precision=jax.lax.Precision.HIGHEST
  )
