"""Generic dense regression: edges, keypoints, reshading and the like."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.core.types import Label
from jtr_jax.tasks import base, colours, continuous, masked


@dataclasses.dataclass(frozen=True)
class Regression(continuous.Ranged):
  """Numbers without further meaning, with an absolute loss.

  The joint encoding is the value itself, so labels should be in about [0, 1].

  Attributes:
    channels: numbers of a pixel.
    picture_range: see `Ranged`.
  """

  channels: int = 1
  picture_range: tuple[float, float] = (0.0, 1.0)

  kind: ClassVar = "regression"
  geometry: ClassVar = base.Geometry.DENSE
  metrics: ClassVar = {"abs_err": -1}
  error_share: ClassVar = 0.25

  def __post_init__(self) -> None:
    if self.channels < 1:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} has no channels",
          found=f"channels = {self.channels}",
          expected="at least 1",
          do="Give the number of channels of the label files.",
        )
      )
    super().__post_init__()

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return the i32[] count of pixels and the f32[] sum of their errors."""
    loss = self.loss(prediction, label)
    return {"count": masked.count(label.mask), "abs": jnp.sum(loss.sum)}

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return abs_err in the unit of the label; NaN if no pixel counted."""
    return {"abs_err": masked.ratio(totals["abs"], totals["count"])}

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]; three channels are drawn as colours.

    Other numbers of channels are averaged and drawn with a colour map.
    """
    unit = self._in_range(value)
    if self.channels != 3:
      return colours.colourise(unit.mean(-1), "magma")
    invalid = np.isnan(unit.sum(-1))
    shade = np.where(invalid[..., None], 0, np.clip(unit, 0, 1) * 255)
    return colours.mark_invalid(np.rint(shade).astype(np.uint8), invalid)
