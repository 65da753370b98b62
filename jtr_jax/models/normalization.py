"""Batch normalisation with statistics over the batch or of each image alone."""

from typing import Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

Statistics: TypeAlias = Literal["batch", "image"]


class BatchNorm(nn.Module):
  """Normalise channels, as PyTorch's BatchNorm2d does.

  Statistics are computed in float32 over the whole (sharded) batch, or, with
  `statistics="image"`, over the pixels of each image: what a network that is
  called on one image at a time does, without the loop. The running variance
  takes the unbiased estimate, unlike `flax.linen.BatchNorm`.

  Attributes:
    statistics: "batch" or "image".
    momentum: fraction of the old running value that an update keeps.
    epsilon: added to the variance.
    running: whether to keep running averages for evaluation; a network that
      is only ever trained needs none.
    dtype: dtype of the output.
  """

  statistics: Statistics = "batch"
  momentum: float = 0.9
  epsilon: float = 1e-5
  running: bool = True
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
    """Return the normalised x, [B, H, W, C]."""
    width = x.shape[-1]
    wide = jnp.promote_types(x.dtype, jnp.float32)
    scale = self.param("scale", nn.initializers.ones, (width,))
    bias = self.param("bias", nn.initializers.zeros, (width,))
    averages = self._averages(width, scale.dtype) if self.running else None
    if train or averages is None:
      axes = (0, 1, 2) if self.statistics == "batch" else (1, 2)
      mean, var = _moments(x.astype(wide), axes)
      count = x.size // width // (mean.shape[0] if mean.ndim > 1 else 1)
      if averages is not None and not self.is_initializing():
        unbiased = var * (count / max(count - 1, 1))
        self._update(averages[0], mean)
        self._update(averages[1], unbiased)
    else:
      mean, var = (average.value for average in averages)
    if mean.ndim > 1:
      mean, var = mean[:, None, None], var[:, None, None]
    factor = scale * jax.lax.rsqrt(var + self.epsilon)
    out = (x.astype(wide) - mean) * factor + bias
    return out.astype(self.dtype)

  def _averages(
    self, width: int, dtype: jnp.dtype
  ) -> tuple[nn.Variable, nn.Variable]:
    """Return the running mean and variance."""
    return (
      self.variable("batch_stats", "mean", lambda: jnp.zeros(width, dtype)),
      self.variable("batch_stats", "var", lambda: jnp.ones(width, dtype)),
    )

  def _update(self, running: nn.Variable, new: jax.Array) -> None:
    """Average new [C], or the rows of [B, C] one after the other, in."""
    rows = jax.lax.stop_gradient(jnp.atleast_2d(new))
    ages = np.arange(len(rows) - 1, -1, -1)
    weights = np.asarray((1 - self.momentum) * self.momentum**ages, rows.dtype)
    kept = self.momentum ** len(rows)
    # Not a matrix product: accelerators round the factors of one to bfloat16.
    added = jnp.sum(weights[:, None] * rows, axis=0)
    running.value = kept * running.value + added


def _moments(
  x: jax.Array, axes: tuple[int, ...]
) -> tuple[jax.Array, jax.Array]:
  """Return mean and biased variance; two passes, so no cancellation."""
  mean = jnp.mean(x, axes)
  centred = x - jnp.expand_dims(mean, axes)
  return mean, jnp.mean(jnp.square(centred), axes)
