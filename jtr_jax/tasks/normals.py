"""Surface normals: one direction for each pixel."""

import dataclasses
import math
from typing import ClassVar

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, colours, continuous, masked

MEDIAN_RESOLUTION = 0.0004
"""Degrees: the largest error of the median, half a bin and a rounding."""

_BINS = 2**18  # of the angle, over 180 degrees
_WITHIN = (11.25, 22.5, 30.0)  # degrees
_ERROR_DEG = 60  # an error of this angle has the darkest red


@dataclasses.dataclass(frozen=True)
class Normals(continuous.Continuous):
  """Surface normals with a cosine loss.

  A label that is the zero vector counts nowhere: it has no direction.

  Attributes:
    picture_signs: signs of x, y and z under which a wall that faces the camera
      is drawn blue and the floor green. The default is for camera axes with x
      right, y down and z away from the camera.
    unit_labels: scale labels to unit length wherever they are used. False uses
      them as they are, as the released code does: a normal that interpolation
      has shortened then pulls less, and has a loss above 0 at best.
  """

  picture_signs: tuple[int, int, int] = (1, -1, -1)
  unit_labels: bool = True

  kind: ClassVar = "normals"
  geometry: ClassVar = base.Geometry.NORMALS
  metrics: ClassVar = {
    "mean_deg": -1,
    "median_deg": -1,
    "rmse_deg": -1,
    "within_11.25": +1,
    "within_22.5": +1,
    "within_30": +1,
  }

  @property
  def channels(self) -> int:
    """A vector in the camera frame."""
    return 3

  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the unit vector f32[..., 3]; zero, with zero gradient, for zero.

    Deviations: the released code divides by the norm without a guard.
    """
    return numerics.safe_unit(numerics.widen(raw))

  def counted(self, label: Label) -> jax.Array:
    """Return the masked pixels bool[..., B, H, W] that have a direction."""
    return label.mask & jnp.any(label.value != 0, axis=-1)

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return 1 - cos of the angle between prediction and label.

    Args:
      prediction: [B, H, W, 3].
      label: f32[B, H, W, 3]; see `unit_labels` for its length.

    Returns:
      Weighted, f32[B]: sum and number of counted pixels.

    Deviations: the released code treats a label whose components sum to zero
    as missing.
    """
    self.check_shapes(prediction, label)
    return masked.loss_sums(
      lambda a, b: 1 - jnp.sum(numerics.safe_unit(a) * self._length(b), -1),
      self.counted(label),
      prediction,
      label.value,
    )

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return (n + 1) / 2 of a normal n, f32[..., 3], in [0, 1] if |n| <= 1.

    Args:
      value: [..., 3]; see `unit_labels` for its length.

    Source: released utils/process.py.
    """
    return (self._length(numerics.widen(value)) + 1) / 2

  def reconstruction_loss(
    self, reconstruction: jax.Array, target: jax.Array, mask: jax.Array
  ) -> Weighted:
    """Return 1 - cos between the directions 2 r - 1 and 2 t - 1.

    Deviations: the released code compares r with directions in one term and
    with (n + 1) / 2 in the other, and counts vector entries instead of pixels;
    there a perfect reconstruction scores 0.667 or 0.836.
    """
    chex.assert_equal_shape([reconstruction, target])
    return masked.loss_sums(
      lambda r, t: _one_minus_cosine(2 * r - 1, 2 * t - 1),
      mask,
      reconstruction,
      target,
    )

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return the prediction; a zero vector is no direction and counts not."""
    value, valid = super().pseudo_label(prediction, confidence=confidence)
    return value, valid & jnp.any(value != 0, axis=-1)

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return sums and the histogram of the angles between two directions.

    Args:
      prediction: [B, H, W, 3]; a zero vector counts as 90 degrees off.
      label: f32[B, H, W, 3].

    Returns:
      i32[] counts, f32[] sums in degrees, i32[2^18] histogram over 180 degrees.
    """
    self.check_shapes(prediction, label)
    mask = self.counted(label)
    guess = numerics.fill(numerics.widen(prediction), mask)
    value = numerics.fill(numerics.widen(label.value), mask)
    angle = numerics.safe_angle_deg(guess, value)
    angle = jnp.where(jnp.any(guess != 0, axis=-1), angle, 90)
    angle = jnp.where(mask, angle, 0)
    bins = jnp.clip(jnp.floor(angle * (_BINS / 180)), 0, _BINS - 1)
    sums = {
      "count": masked.count(mask),
      "angle": jnp.sum(angle),
      "square": jnp.sum(jnp.square(angle)),
      "histogram": masked.histogram(bins.astype(jnp.int32), mask, _BINS),
    }
    for limit in _WITHIN:
      sums[f"within_{limit:g}"] = masked.count(mask & (angle < limit))
    return sums

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return mean, median and RMS angle in degrees; others are fractions.

    Args:
      totals: the sums of `metric_sums` over the split.

    Returns:
      The metrics; NaN if no pixel counted.

    Deviations: the released loggers call the RMS angle "Med."; here the
    median is one, taken from the histogram, within `MEDIAN_RESOLUTION`; for
    an even count it is the mean of the two middle angles.
    """
    count = totals["count"]
    return {
      "mean_deg": masked.ratio(totals["angle"], count),
      "median_deg": sum(median_interval(totals["histogram"])) / 2,
      "rmse_deg": math.sqrt(masked.ratio(totals["square"], count)),
      "within_11.25": masked.ratio(totals["within_11.25"], count),
      "within_22.5": masked.ratio(totals["within_22.5"], count),
      "within_30": masked.ratio(totals["within_30"], count),
    }

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3] from vectors f32[H, W, 3] of any length."""
    unit = _unit(value) * np.array(self.picture_signs)
    invalid = ~np.isfinite(unit).all(-1) | (unit == 0).all(-1)
    shade = np.where(invalid[..., None], 0, (unit + 1) * 127.5)
    return colours.mark_invalid(np.rint(shade).astype(np.uint8), invalid)

  def picture_joint(self, joint: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3], drawn as the directions it stands for."""
    return self.picture(2 * joint - 1)

  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return unit vectors f32[..., H, W, 3]."""
    return _unit(prediction).astype(np.float32)

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red by the angle, full at 60 degrees."""
    dot = np.sum(_unit(value) * _unit(target), axis=-1)
    angle = np.rad2deg(np.arccos(np.clip(dot, -1, 1)))
    nowhere = (target == 0).all(-1)
    error = np.where(nowhere, np.nan, angle / _ERROR_DEG)
    return colours.colourise(error, "heat")

  @property
  def error_legend(self) -> base.Legend:
    """Angles."""
    return colours.heat_legend(_ERROR_DEG, "degrees")

  def _length(self, normal: jax.Array) -> jax.Array:
    """Return normals of a label with the length that they are used with."""
    return numerics.safe_unit(normal) if self.unit_labels else normal


def _one_minus_cosine(a: jax.Array, b: jax.Array) -> jax.Array:
  return 1 - jnp.sum(numerics.safe_unit(a) * numerics.safe_unit(b), axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
  """Return vectors of length 1 on the host; zero stays zero, NaN stays NaN."""
  length = np.linalg.norm(vectors, axis=-1, keepdims=True)
  return vectors / np.where(length == 0, 1, length)


def median_interval(histogram: np.ndarray) -> tuple[float, float]:
  """Return the two middle angles in degrees; they differ for even counts only.

  Args:
    histogram: int[N], counts over [0, 180] degrees in N equal bins.

  Returns:
    The centres of the bins that hold them; NaN if nothing was counted.
  """
  below = np.cumsum(histogram)
  count = below[-1]
  if not count:
    return math.nan, math.nan
  ranks = [(count - 1) // 2, count // 2]
  lower, upper = np.searchsorted(below, ranks, side="right")
  degrees = 180 / len(histogram)
  return float(lower + 0.5) * degrees, float(upper + 0.5) * degrees
