"""Maps of another size, as the published networks compute them.

Rows and columns are weighted means of rows and columns, so that a change of
size is two products with small matrices, in the order of axes that all devices
are fast with.
"""

import functools
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

Method: TypeAlias = Literal["linear", "cubic", "smooth_cubic", "mean"]
"""linear: PyTorch's "bilinear"; cubic: its "bicubic"; smooth_cubic: the same
with `antialias=True`; mean: its adaptive mean pooling."""

SCOPE = "resize"
"""Name of these products in a program, by which they are told from others."""

_CUBIC, _SMOOTH_CUBIC = -0.75, -0.5


def resize(
  x: jax.Array, size: tuple[int, int], method: Method = "linear"
) -> jax.Array:
  """Return x with another height and width, corners not aligned.

  Args:
    x: f[B, H, W, C].
    size: (height, width).
    method: what a new pixel is made of.

  Returns:
    f[B, height, width, C]; x itself if it has that size.
  """
  if x.shape[1:3] == size:
    return x
  rows = jnp.asarray(matrix(x.shape[1], size[0], method), x.dtype)
  columns = jnp.asarray(matrix(x.shape[2], size[1], method), x.dtype)
  highest = jax.lax.Precision.HIGHEST
  with jax.named_scope(SCOPE):
    x = jnp.einsum("hH,bHWc->bhWc", rows, x, precision=highest)
    return jnp.einsum("wW,bhWc->bhwc", columns, x, precision=highest)


@functools.lru_cache
def matrix(old: int, new: int, method: Method) -> np.ndarray:
  """Return f64[new, old], the weights of the old pixels in the new ones."""
  if method == "mean":
    return _mean_weights(old, new)
  scale = old / new
  centres = (np.arange(new) + 0.5) * scale - 0.5
  if method == "smooth_cubic":
    spread = max(scale, 1.0)
    distances = (np.arange(old) - centres[:, None]) / spread
    weights = _cubic(distances, _SMOOTH_CUBIC)
    return weights / weights.sum(axis=1, keepdims=True)
  if method == "linear":
    centres = np.clip(centres, 0, old - 1)
  first = np.floor(centres).astype(int)
  weights = np.zeros((new, old))
  for offset in range(-1, 3):
    taken = first + offset
    distance = np.abs(taken - centres)
    share = (
      np.maximum(1 - distance, 0)
      if method == "linear"
      else _cubic(distance, _CUBIC)
    )
    np.add.at(weights, (np.arange(new), np.clip(taken, 0, old - 1)), share)
  return weights


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
  """Return Keys' cubic of a distance in pixels."""
  x = np.abs(distance)
  near = ((a + 2) * x - (a + 3)) * x * x + 1
  far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _mean_weights(old: int, new: int) -> np.ndarray:
  weights = np.zeros((new, old))
  for index in range(new):
    start, stop = index * old // new, -(-(index + 1) * old // new)
    weights[index, start:stop] = 1 / (stop - start)
  return weights
