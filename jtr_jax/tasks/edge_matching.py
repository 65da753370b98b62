"""Predicted edges made thin, and compared with true ones a few pixels away.

Everything is jitted with the evaluation. For the published measure, with one
partner for each pixel, see `metrics/ods_f.py`.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.tasks import masked

LEVELS = 100
"""Thresholds are k / 100, k from 1 to 99."""

_SMOOTH, _AROUND = 1.0, 2.0  # pixels: blur before and after the gradient


class Counts(NamedTuple):
  """Pixels by the level of their probability; all i32[LEVELS].

  Attributes:
    predicted: predicted edge pixels.
    correct: those with a true edge near them.
    found: true edge pixels, by the highest prediction near them.
  """

  predicted: jax.Array
  correct: jax.Array
  found: jax.Array


def count(
  probability: jax.Array, truth: jax.Array, mask: jax.Array, share: float
) -> Counts:
  """Count thin predicted edges and true edges near each other.

  Args:
    probability: f32[B, H, W].
    truth: bool[B, H, W].
    mask: bool[B, H, W], the pixels that count.
    share: how far apart they may be, as a fraction of the image's diagonal.

  Returns:
    Counts over the batch.
  """
  height, width = mask.shape[-2:]
  radius = share * math.hypot(height, width)
  truth = truth & mask
  thin = jnp.where(mask, thinned(jnp.where(mask, probability, 0)), 0)
  near_truth = _largest_near(truth.astype(thin.dtype), radius) > 0
  near_guess = _largest_near(thin, radius)
  level = lambda x: jnp.clip(jnp.floor(x * LEVELS), 0, LEVELS - 1).astype(
    jnp.int32
  )
  edges = mask & (thin > 0)
  return Counts(
    masked.histogram(level(thin), edges, LEVELS),
    masked.histogram(level(thin), edges & near_truth, LEVELS),
    masked.histogram(level(near_guess), truth, LEVELS),
  )


def thinned(edges: jax.Array) -> jax.Array:
  """Return f32[B, H, W] with 0 where an edge is stronger on either side.

  The direction across an edge is that of the gradients around it (structure
  tensor); the neighbours one pixel away are interpolated.
  """
  smooth = _blurred(edges, _SMOOTH)
  dy, dx = _slope(smooth, -2), _slope(smooth, -1)
  xx, xy, yy = (_blurred(p, _AROUND) for p in (dx * dx, dx * dy, dy * dy))
  angle = jnp.arctan2(2 * xy, xx - yy) / 2
  step = jnp.stack([jnp.sin(angle), jnp.cos(angle)])
  ahead, behind = _sampled(edges, step), _sampled(edges, -step)
  return jnp.where((edges >= ahead) & (edges >= behind), edges, 0)


def f_of_levels(
  predicted: np.ndarray, correct: np.ndarray, found: np.ndarray, true: int
) -> np.ndarray:
  """Return f64[LEVELS - 1], the F measure at each threshold, on the host.

  Args:
    predicted: of `Counts`, summed over a split.
    correct: the same.
    found: the same.
    true: number of true edge pixels.
  """
  above = lambda histogram: np.cumsum(histogram[::-1])[::-1][1:]
  precision = above(correct) / np.maximum(above(predicted), 1)
  recall = above(found) / max(true, 1)
  both = precision + recall
  return 2 * precision * recall / np.where(both > 0, both, 1)


def _slope(x: jax.Array, axis: int) -> jax.Array:
  return jnp.asarray(jnp.gradient(x, axis=axis))


def _blurred(x: jax.Array, deviation: float) -> jax.Array:
  reach = math.ceil(3 * deviation)
  weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
  weights /= weights.sum()
  padded = jnp.pad(x, [(0, 0), (reach, reach), (reach, reach)], mode="edge")
  height, width = x.shape[-2:]
  rows = sum(w * padded[:, i : i + height] for i, w in enumerate(weights))
  return sum(w * rows[..., i : i + width] for i, w in enumerate(weights))


def _sampled(x: jax.Array, step: jax.Array) -> jax.Array:
  """Return f32[B, H, W]: x one step away, between four pixels."""
  height, width = x.shape[-2:]
  axes = []
  for size, grid, shift in zip(
    (height, width), jnp.indices((height, width)), step, strict=True
  ):
    place = jnp.clip(grid + shift, 0, size - 1)
    low = jnp.floor(place).astype(jnp.int32)
    axes.append((low, jnp.minimum(low + 1, size - 1), place - low))
  (top, bottom, down), (left, right, along) = axes
  image = jnp.arange(len(x))[:, None, None]
  above = _mix(x[image, top, left], x[image, top, right], along)
  below = _mix(x[image, bottom, left], x[image, bottom, right], along)
  return _mix(above, below, down)


def _mix(a: jax.Array, b: jax.Array, weight: jax.Array) -> jax.Array:
  return a * (1 - weight) + b * weight


def _largest_near(x: jax.Array, radius: float) -> jax.Array:
  """Return f32[B, H, W]: the largest value within a distance in pixels."""
  reach = math.floor(radius)
  height, width = x.shape[-2:]
  padded = jnp.pad(x, [(0, 0), (reach, reach), (reach, reach)])
  found = x
  for dy in range(-reach, reach + 1):
    half = math.floor(math.sqrt(radius**2 - dy**2))
    row = padded[:, reach + dy : reach + dy + height]
    window = (1, 1, 2 * half + 1)
    inner = row[..., reach - half : reach + half + width]
    run = jax.lax.reduce_window(
      inner, -jnp.inf, jax.lax.max, window, (1, 1, 1), "VALID"
    )
    found = jnp.maximum(found, run)
  return found
