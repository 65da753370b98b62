"""Classification: one class for each image."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import Label
from jtr_jax.tasks import base, class_sets, masked, segmentation

IMAGE_LEVEL = (1, 1)
"""The grid of what is said of an image as a whole."""


@dataclasses.dataclass(frozen=True)
class Classification(segmentation.Segmentation):
  """One class for each image: a segmentation of a single cell.

  Loss, joint encoding and pseudo labels are those of a segmentation.
  """

  kind: ClassVar = "classification"
  metrics: ClassVar = {"accuracy": +1, "mean_class_accuracy": +1}

  @property
  def grid(self) -> tuple[int, int]:
    """One cell."""
    return IMAGE_LEVEL

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return how many images each class has, and how many are right, i32[C].

    Args:
      prediction: [B, 1, 1, C], logits.
      label: class ids i32[B, 1, 1].
    """
    mask = self.counted(label)
    ids = label.value.astype(jnp.int32)
    right = mask & (jnp.argmax(prediction, axis=-1) == ids)
    return {
      "images": masked.histogram(ids, mask, self.num_classes),
      "right": masked.histogram(ids, right, self.num_classes),
    }

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return the accuracy over images, and its mean over classes that occur.

    Args:
      totals: the counts of `metric_sums` over the split.

    Returns:
      Fractions in [0, 1]; NaN if no image counted.
    """
    images, right = totals["images"], totals["right"]
    occurs = images > 0
    if not occurs.any():
      return dict.fromkeys(self.metrics, float("nan"))
    return {
      "accuracy": float(right.sum() / images.sum()),
      "mean_class_accuracy": float(np.mean(right[occurs] / images[occurs])),
    }

  def caption(self, value: np.ndarray) -> str:
    """Return the name of the class, or its number."""
    number = int(value.flat[0])
    table = class_sets.membership(self.num_classes, self.sets)
    if not 0 <= number < len(table):
      return "none"
    names = self.class_names or tuple(map(str, range(self.num_classes)))
    return " or ".join(names[c] for c in np.flatnonzero(table[number]))
