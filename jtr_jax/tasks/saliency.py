"""Saliency: whether a pixel is part of a salient object."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Label
from jtr_jax.tasks import base, binary

THRESHOLDS = tuple(float(t) for t in np.linspace(0.2, 0.9, 15))
"""Probabilities from which on a pixel is called salient; the best one counts.

Source: released code of ASTMT (Maninis et al. 2019)."""


@dataclasses.dataclass(frozen=True)
class Saliency(binary.Binary):
  """Saliency with a cross-entropy in which both classes weigh the same.

  Source: Maninis et al. 2019 (ASTMT), with the weights of HED.
  """

  kind: ClassVar = "saliency"
  metrics: ClassVar = {"miou": +1, "max_f": +1}

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return, for each threshold, sums over images of IoU and its like.

    Args:
      prediction: [B, H, W, 1], logits.
      label: f32[B, H, W, 1]; salient from 0.5 on.

    Returns:
      i32[] images with a counted pixel; f32[15] sums of their IoU, precision
      and recall.
    """
    mask = label.mask
    truth = mask & (numerics.widen(label.value)[..., 0] >= 0.5)
    logit = numerics.fill(numerics.widen(prediction), mask)[..., 0]
    limits = jnp.log(jnp.asarray(THRESHOLDS)) - jnp.log1p(
      -jnp.asarray(THRESHOLDS)
    )
    guess = mask & (logit > limits[:, None, None, None])
    counts = lambda x: jnp.sum(x, axis=(-2, -1), dtype=jnp.float32)
    both, either = counts(guess & truth), counts(guess | truth)
    seen = jnp.any(mask, axis=(-2, -1))
    totals = {
      "iou": jnp.where(either > 0, numerics.safe_divide(both, either), 1),
      "precision": numerics.safe_divide(both, counts(guess)),
      "recall": numerics.safe_divide(both, counts(truth)),
    }
    sums = {name: jnp.sum(x, axis=1, where=seen) for name, x in totals.items()}
    return {"images": jnp.sum(seen, dtype=jnp.int32), **sums}

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return the best mean IoU, and the best F of mean precision and recall.

    Args:
      totals: the sums of `metric_sums` over the split.

    Returns:
      Fractions in [0, 1]; NaN if no pixel counted.

    Source: released code of ASTMT: means over images, one threshold for all;
      an image without salient pixels where none is predicted has an IoU of 1.
    """
    images = totals["images"]
    if not images:
      return dict.fromkeys(self.metrics, float("nan"))
    precision, recall = totals["precision"] / images, totals["recall"] / images
    both = precision + recall
    f = np.divide(2 * precision * recall, both, where=both > 0, out=0 * both)
    return {
      "miou": float(np.max(totals["iou"] / images)),
      "max_f": float(np.max(f)),
    }
