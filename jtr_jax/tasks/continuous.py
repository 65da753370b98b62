"""The base of tasks with real values, with an absolute loss by default."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, colours, masked


@dataclasses.dataclass(frozen=True)
class Continuous(base.Task):
  """A task whose labels and predictions are real numbers f32[..., H, W, C]."""

  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the raw output f32[..., C], linear as in the released nets."""
    return numerics.widen(raw)

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return the absolute error |prediction - label|, averaged over channels.

    Args:
      prediction: [B, H, W, C], unit of the label.
      label: f32[B, H, W, C].

    Returns:
      Weighted, f32[B]: sum and number of counted pixels.
    """
    self.check_shapes(prediction, label)
    return masked.loss_sums(
      masked.absolute_error, label.mask, prediction, label.value
    )

  def comparable(self, prediction: jax.Array) -> jax.Array:
    """Return the prediction f32[..., C]."""
    return numerics.widen(prediction)

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return the value f32[..., C] itself."""
    return numerics.widen(value)

  def joint_prediction(
    self, prediction: jax.Array, *, relaxation: base.Relaxation, key: jax.Array
  ) -> jax.Array:
    """Return the encoding of `joint_label`; there is nothing to relax."""
    return self.joint_label(prediction)

  def reconstruction_loss(
    self, reconstruction: jax.Array, target: jax.Array, mask: jax.Array
  ) -> Weighted:
    """Return the absolute error in the joint encoding.

    Args:
      reconstruction: [B, H, W, C], raw output of the auto-encoder.
      target: [B, H, W, C], joint encoding.
      mask: bool[B, H, W], the pixels that count.

    Returns:
      Weighted, f32[B].

    Deviations: the released code divides by the number of non-zero elements of
    the target, and here by the pixels of the mask.
    """
    return masked.loss_sums(masked.absolute_error, mask, reconstruction, target)

  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return the prediction f32[..., H, W, C]."""
    return prediction.astype(np.float32)

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return the prediction f32[..., C] itself; all finite pixels count."""
    del confidence  # a number says nothing about how sure it is
    value = numerics.widen(prediction)
    return value, jnp.all(jnp.isfinite(value), axis=-1)


@dataclasses.dataclass(frozen=True)
class Ranged(Continuous):
  """A task whose values are drawn on a scale of colours.

  Attributes:
    picture_range: the values drawn with the first and the last colour; unit of
      the label.
  """

  picture_range: tuple[float, float]

  error_share: ClassVar[float]
  """An error of this fraction of the range has the darkest red."""

  def __post_init__(self) -> None:
    colours.check_range(self.name, self.picture_range)

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red by the mean |value - target| of the channels."""
    low, high = self.picture_range
    error = np.abs(value - target).mean(-1) / (self.error_share * (high - low))
    return colours.colourise(error, "heat")

  @property
  def error_legend(self) -> base.Legend:
    """Errors from 0 to that of the darkest red, in the unit of the label."""
    low, high = self.picture_range
    unit = getattr(self, "unit", "")
    return colours.heat_legend(self.error_share * (high - low), unit)

  def _in_range(self, value: np.ndarray) -> np.ndarray:
    """Return 0 for the smallest value of the range, 1 for the largest."""
    low, high = self.picture_range
    return (value - low) / (high - low)
