"""Rotary positions of DINOv3: queries and keys turn by where their patch is.

Source: Su et al. 2021; Siméoni et al. 2025 (DINOv3).
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

BASE = 100.0


class Rotation(NamedTuple):
  """By how much every patch turns.

  Attributes:
    sine: f[N, D].
    cosine: f[N, D].
  """

  sine: jax.Array
  cosine: jax.Array


def periods(width: int) -> np.ndarray:
  """Return f64[width / 4], the periods, the image being 2 long and wide."""
  count = width // 4
  return BASE ** (np.arange(count) / count)


def rotation(grid: tuple[int, int], width: int, dtype: Any) -> Rotation:
  """Return the rotation of every patch.

  Args:
    grid: patches (down, across).
    width: D, of a head.
    dtype: of the result.
  """
  centres = [(np.arange(n) + 0.5) / n * 2 - 1 for n in grid]
  places = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1)
  angles = 2 * math.pi * places.reshape(-1, 2, 1) / periods(width)
  angles = np.tile(angles.reshape(len(angles), -1), 2)
  return Rotation(
    jnp.asarray(np.sin(angles), dtype), jnp.asarray(np.cos(angles), dtype)
  )


def rotate(x: jax.Array, turn: Rotation, prefix: int) -> jax.Array:
  """Return queries or keys f[B, N, heads, D], turned but for the first few."""
  still, places = x[:, :prefix], x[:, prefix:]
  first, second = jnp.split(places, 2, axis=-1)
  across = jnp.concatenate([-second, first], axis=-1)
  turned = places * turn.cosine[:, None] + across * turn.sine[:, None]
  return jnp.concatenate([still, turned], axis=1)
