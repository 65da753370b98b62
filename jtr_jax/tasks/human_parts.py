"""Human parts: a segmentation of people, where there are any."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jtr_jax.core import numerics
from jtr_jax.core.types import Label
from jtr_jax.tasks import segmentation


@dataclasses.dataclass(frozen=True)
class HumanParts(segmentation.Segmentation):
  """Parts of the body, class 0 being everything else.

  An image, or a crop, that shows no part counts nowhere: neither in the loss
  nor in the metrics. It would only train the background class.

  Source: released code of ASTMT (Maninis et al. 2019), `AddIgnoreRegions`.
  """

  kind: ClassVar = "human_parts"

  def counted(self, label: Label) -> jax.Array:
    """Return the masked pixels of images that show a part."""
    counted = super().counted(label)
    is_part = label.value > 0
    if self.sets:  # one that may be background shows nothing for certain
      is_part = ~self._possible(numerics.fill(label.value, counted))[..., 0]
    shows_a_part = jnp.any(counted & is_part, axis=(-2, -1))
    return counted & shows_a_part[..., None, None]
