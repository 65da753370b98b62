"""2x2 max-pooling that remembers where the maximum was, and its inverse.

The code of a window is found by a tournament of strict comparisons, so the
first maximum wins as in PyTorch, and gradients flow to exactly one pixel.
Comparing with the finished maximum (`x == max(x)`) is not safe inside a large
jitted network: two fusions may round x differently. There is no scatter.
"""

import jax
import jax.numpy as jnp


def max_pool(x: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Return the maxima of 2x2 windows and which pixel each one came from.

  Args:
    x: f32[B, H, W, C], H and W even.

  Returns:
    f32[B, H/2, W/2, C] and i8 codes 0..3, row-major within the window.
  """
  batch, height, width, channels = x.shape
  windows = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
  top_left, top_right = windows[:, :, 0, :, 0], windows[:, :, 0, :, 1]
  low_left, low_right = windows[:, :, 1, :, 0], windows[:, :, 1, :, 1]
  right_on_top = top_right > top_left
  right_below = low_right > low_left
  top = jnp.where(right_on_top, top_right, top_left)
  low = jnp.where(right_below, low_right, low_left)
  below = low > top
  code = jnp.where(
    below, 2 + right_below.astype(jnp.int8), right_on_top.astype(jnp.int8)
  )
  return jnp.where(below, low, top), code


def enlarge(y: jax.Array) -> jax.Array:
  """Return y at twice the size, each value four times.

  Args:
    y: f32[B, H, W, C].

  Returns:
    f32[B, 2H, 2W, C].
  """
  return jnp.repeat(jnp.repeat(y, 2, axis=1), 2, axis=2)


def max_unpool(y: jax.Array, code: jax.Array) -> jax.Array:
  """Return y put back where `max_pool` found it, zero elsewhere.

  Args:
    y: f32[B, H, W, C].
    code: i8[B, H, W, C] from `max_pool`.

  Returns:
    f32[B, 2H, 2W, C].
  """
  batch, height, width, channels = y.shape
  corners = [jnp.where(code == k, y, 0) for k in range(4)]
  rows = [
    jnp.stack(corners[:2], axis=3),
    jnp.stack(corners[2:], axis=3),
  ]
  return jnp.stack(rows, axis=2).reshape(batch, 2 * height, 2 * width, channels)
