"""Scalars: one number, or a few, for each image."""

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Label
from jtr_jax.tasks import base, masked, regression
from jtr_jax.tasks.classification import IMAGE_LEVEL


@dataclasses.dataclass(frozen=True)
class Scalar(regression.Regression):
  """Numbers that describe an image as a whole, with an absolute loss.

  Attributes:
    unit: of the label, for captions.
  """

  unit: str = ""

  kind: ClassVar = "scalar"
  geometry: ClassVar = base.Geometry.CATEGORICAL
  metrics: ClassVar = {"abs_err": -1, "rmse": -1}

  @property
  def grid(self) -> tuple[int, int]:
    """One cell."""
    return IMAGE_LEVEL

  @property
  def has_class_ids(self) -> bool:
    """No: numbers, which augmentation leaves alone like classes."""
    return False

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return the i32[] count of images and f32[] sums of errors and squares."""
    mask = label.mask
    value = numerics.fill(numerics.widen(label.value), mask)
    error = numerics.fill(numerics.widen(prediction), mask) - value
    return {
      "count": masked.count(mask),
      "abs": jnp.sum(jnp.mean(jnp.abs(error), axis=-1)),
      "square": jnp.sum(jnp.mean(jnp.square(error), axis=-1)),
    }

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return both errors in the unit of the label; NaN if no image counted."""
    count = totals["count"]
    return {
      "abs_err": masked.ratio(totals["abs"], count),
      "rmse": math.sqrt(masked.ratio(totals["square"], count)),
    }

  def caption(self, value: np.ndarray) -> str:
    """Return the numbers and their unit."""
    numbers = ", ".join(f"{number:.3g}" for number in value.ravel())
    return f"{numbers} {self.unit}".strip()
