"""Depth and inverse depth: one positive number for each pixel."""

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label
from jtr_jax.tasks import base, colours, continuous, masked

_FLOOR = 1e-9  # predictions are clamped to it in the metrics, as released


@dataclasses.dataclass(frozen=True)
class _Distance(continuous.Ranged):
  """What depth and inverse depth have in common: all but geometry and scale.

  Attributes:
    joint_mean: mean of the normal distribution whose distribution function is
      the joint encoding; unit of the label.
    joint_std: its standard deviation; unit of the label.
    unit: of the label, for captions.
  """

  joint_mean: float
  joint_std: float
  unit: str

  error_share: ClassVar = 0.1
  metrics: ClassVar = {
    "abs_err": -1,
    "rmse": -1,
    "log_rmse": -1,
    "abs_rel": -1,
    "delta1": +1,
    "delta2": +1,
    "delta3": +1,
  }

  def __post_init__(self) -> None:
    if self.joint_std <= 0:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} has no spread in its joint encoding",
          found=f"joint_std = {self.joint_std}",
          expected="a positive number in the unit of the label",
          do="Use the standard deviation of the labelled training pixels.",
        )
      )
    super().__post_init__()

  @property
  def channels(self) -> int:
    """One number."""
    return 1

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return Phi((value - joint_mean) / joint_std), f32[..., 1] in [0, 1].

    Source: released utils/process.py, with its constants for NYUv2.
    """
    standard = (numerics.widen(value) - self.joint_mean) / self.joint_std
    return jax.scipy.special.ndtr(standard)

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return the prediction; only positive numbers are distances and count."""
    value, valid = super().pseudo_label(prediction, confidence=confidence)
    return value, valid & (value[..., 0] > 0)

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return the sums of errors, and of relative errors where label > 0.

    Args:
      prediction: [B, H, W, 1], clamped here to at least 1e-9.
      label: f32[B, H, W, 1].

    Returns:
      i32[] counts and f32[] sums.
    """
    self.check_shapes(prediction, label)
    mask = label.mask
    value = numerics.fill(numerics.widen(label.value), mask)[..., 0]
    guess = numerics.fill(numerics.widen(prediction), mask)[..., 0]
    guess = jnp.maximum(guess, _FLOOR)
    error = jnp.where(mask, guess - value, 0)
    positive = mask & (value > 0)
    safe = jnp.where(positive, value, 1)
    ratio = jnp.where(positive, guess / safe, 1)
    worst = jnp.maximum(ratio, 1 / ratio)
    sums = {
      "count": masked.count(mask),
      "abs": jnp.sum(jnp.abs(error)),
      "square": jnp.sum(jnp.square(error)),
      "positive": masked.count(positive),
      "rel": jnp.sum(jnp.abs(error) / safe, where=positive),
      "log_square": jnp.sum(jnp.square(jnp.log(ratio))),
    }
    for i in (1, 2, 3):
      sums[f"delta{i}"] = masked.count(positive & (worst < 1.25**i))
    return sums

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return the metrics; the log is natural, deltas are fractions.

    Args:
      totals: the sums of `metric_sums` over the split.

    Returns:
      abs_err and rmse in the unit of the label; NaN where no pixel counted.
    """
    ratio = masked.ratio
    count, positive = totals["count"], totals["positive"]
    return {
      "abs_err": ratio(totals["abs"], count),
      "rmse": math.sqrt(ratio(totals["square"], count)),
      "log_rmse": math.sqrt(ratio(totals["log_square"], positive)),
      "abs_rel": ratio(totals["rel"], positive),
      "delta1": ratio(totals["delta1"], positive),
      "delta2": ratio(totals["delta2"], positive),
      "delta3": ratio(totals["delta3"], positive),
    }

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3] from f32[H, W, 1]: near bright, far dark."""
    return colours.colourise(self._nearness(value[..., 0]), "dusk")

  def picture_joint(self, joint: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3], drawn as the values that the encoding stands for."""
    low, high = self.picture_range
    grid = np.linspace(low, high, 256)
    standard = (grid - self.joint_mean) / (self.joint_std * math.sqrt(2))
    encoded = [(1 + math.erf(x)) / 2 for x in standard]
    return self.picture(np.interp(joint, encoded, grid))

  @property
  def legend(self) -> base.Legend:
    """Five values of the range."""
    values = np.linspace(*self.picture_range, 5)
    rows = self.picture(values[None, :, None])[0].tolist()
    return tuple(
      (f"{value:.3g} {self.unit}".strip(), (r, g, b))
      for value, (r, g, b) in zip(values, rows, strict=True)
    )

  def _nearness(self, value: np.ndarray) -> np.ndarray:
    """Return 1 for what is nearest in the range of pictures, 0 for farthest."""
    return self._in_range(value)


@dataclasses.dataclass(frozen=True)
class Depth(_Distance):
  """Depth in metres with an absolute loss.

  Source of the joint encoding's constants: released utils/process.py (NYUv2).
  """

  joint_mean: float = 2.3618
  joint_std: float = 1.5876
  picture_range: tuple[float, float] = (0.0, 10.0)
  unit: str = "m"

  kind: ClassVar = "depth"
  geometry: ClassVar = base.Geometry.DEPTH

  def _nearness(self, value: np.ndarray) -> np.ndarray:
    return 1 - super()._nearness(value)


@dataclasses.dataclass(frozen=True)
class InverseDepth(_Distance):
  """Inverse depth, such as disparity, with an absolute loss.

  The defaults are for the Cityscapes files of the papers (16-bit disparity
  divided by 65535, in [0, 0.5]) and are round numbers: the joint encoding
  spreads over [0.16, 1]. Give the statistics of your labelled training pixels.

  Deviations: the released code uses the constants of depth in metres here,
  which press the whole range into [0.07, 0.12]; `joint_mean=2.3618,
  joint_std=1.5876` restores that.
  """

  joint_mean: float = 0.1
  joint_std: float = 0.1
  picture_range: tuple[float, float] = (0.0, 0.5)
  unit: str = ""

  kind: ClassVar = "inverse_depth"
  geometry: ClassVar = base.Geometry.INVERSE_DEPTH
