"""Outputs brought to the size of the image."""

import jax
import jax.numpy as jnp

from jtr_jax.models.base import Features
from jtr_jax.models.resize import resize


def full_size(x: jax.Array, features: Features) -> jax.Array:
  """Return the raw output of a task at every pixel of the image.

  Args:
    x: f[B, h, w, C], an output at the size of a map.
    features: know how large the image is and what the maps cover of it.

  Returns:
    f32[B, H, W, C].
  """
  wide = jnp.promote_types(x.dtype, jnp.float32)
  height, width = features.size
  return resize(x.astype(wide), features.covered)[:, :height, :width]
