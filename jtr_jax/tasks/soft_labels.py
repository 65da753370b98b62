"""Soft labels: a distribution over classes, for an image, a cell or a pixel.

Such labels are written by other networks: the probabilities of a classifier for
the whole image, a grid of them (token labels), or a soft segmentation.
"""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, colours, masked, segmentation

_LEGIBLE = 40  # classes in a legend


@dataclasses.dataclass(frozen=True)
class SoftLabels(segmentation.Segmentation):
  """Distributions over classes, with their divergence from the prediction.

  A label holds all C probabilities, or the classes and probabilities of the
  `top` likeliest ones: f32[..., 2 top], numbers of classes first. They are
  scaled to sum to 1; a label of zeros counts nowhere.

  Attributes:
    cells: rows and columns of the labels: (1, 1) for one an image, () for one a
      pixel.
    top: how many classes a label names; 0: it gives the probability of each.

  Source: IAL, Sec. IV-D: soft labels of classes beat hard ones; Jiang et al.
    2021: token labels, a distribution for each cell of a grid.
  """

  cells: tuple[int, ...] = ()
  top: int = 0

  kind: ClassVar = "soft_labels"
  metrics: ClassVar = {"divergence": -1, "accuracy": +1}

  def __post_init__(self) -> None:
    super().__post_init__()
    if len(self.cells) not in (0, 2) or min(self.cells, default=1) < 1:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} has no grid",
          found=f"cells = {self.cells}",
          expected="rows and columns, or () for one label a pixel",
          do="Give the shape of the label files.",
        )
      )
    if not 0 <= self.top <= self.num_classes:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} names more classes than there are",
          found=f"top = {self.top} of {self.num_classes} classes",
          expected="0 for all probabilities, or fewer classes",
          do="Give the number of classes that the label files name.",
        )
      )

  @property
  def grid(self) -> tuple[int, int] | None:
    """Rows and columns of the labels."""
    return (self.cells[0], self.cells[1]) if self.cells else None

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return the distribution f32[..., C] of a label; zeros for zeros."""
    value = numerics.widen(value)
    if self.top:
      ids, shares = jnp.split(value, 2, axis=-1)
      chosen = jax.nn.one_hot(ids.astype(jnp.int32), self.num_classes)
      value = jnp.sum(chosen * shares[..., None], axis=-2)
    return numerics.safe_divide(value, jnp.sum(value, axis=-1, keepdims=True))

  def counted(self, label: Label) -> jax.Array:
    """Return the masked places bool[..., B, H, W] with any probability."""
    shares = label.value[..., self.top :] if self.top else label.value
    return label.mask & jnp.any(shares > 0, axis=-1)

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return the divergence of softmax(prediction) from the label.

    Its gradient is that of the cross-entropy; the entropy of the label, which
    no prediction can change, is taken off.

    Args:
      prediction: [B, H, W, C], logits.
      label: f32[B, H, W, C] or f32[B, H, W, 2 top].

    Returns:
      Weighted, f32[B]: sum and number of counted places.
    """
    mask = self.counted(label)
    target = self.joint_label(numerics.fill(label.value, mask))
    return self.reconstruction_loss(prediction, target, mask)

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return i32[] counts of places and right ones, f32[] their divergence."""
    mask = self.counted(label)
    target = self.joint_label(numerics.fill(label.value, mask))
    right = jnp.argmax(prediction, -1) == jnp.argmax(target, -1)
    loss = self.reconstruction_loss(prediction, target, mask)
    return {
      "count": masked.count(mask),
      "right": masked.count(mask & right),
      "divergence": jnp.sum(loss.sum),
    }

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return the mean divergence, and how often the likeliest class agrees."""
    count = totals["count"]
    return {
      "divergence": masked.ratio(totals["divergence"], count),
      "accuracy": masked.ratio(totals["right"], count),
    }

  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return probabilities in the form of a label, f32[..., H, W, D]."""
    shifted = prediction.astype(np.float32)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    probability = shifted / shifted.sum(axis=-1, keepdims=True)
    if not self.top:
      return np.asarray(probability, np.float32)
    order = np.argsort(-probability, axis=-1, kind="stable")[..., : self.top]
    shares = np.take_along_axis(probability, order, axis=-1)
    return np.concatenate([order, shares], axis=-1).astype(np.float32)

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return the distribution in the form of a label; all finite ones count."""
    del confidence  # a distribution says itself how sure it is
    probability = jax.nn.softmax(numerics.widen(prediction))
    valid = jnp.all(jnp.isfinite(probability), axis=-1)
    if not self.top:
      return probability, valid
    shares, ids = jax.lax.top_k(probability, self.top)
    return jnp.concatenate([ids.astype(shares.dtype), shares], axis=-1), valid

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: the likeliest class of each place."""
    ids = self._likeliest(value)
    return super().picture(ids)

  def picture_joint(self, joint: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: the class of the largest entry; equal ones: none."""
    invalid = ~np.isfinite(joint).all(-1) | (np.ptp(joint, axis=-1) == 0)
    return super().picture(np.where(invalid, -1, joint.argmax(-1)))

  def caption(self, value: np.ndarray) -> str:
    """Return the likeliest class of an image."""
    if self.grid != (1, 1):
      return ""
    number = int(self._likeliest(value).flat[0])
    if number < 0:
      return "none"
    return self.class_names[number] if self.class_names else str(number)

  @property
  def legend(self) -> base.Legend:
    """The colours of the named classes, if they are few."""
    return super().legend if self.num_classes <= _LEGIBLE else ()

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red by the probability on the wrong classes."""
    both = [
      np.asarray(self.joint_label(jnp.asarray(x))) for x in (value, target)
    ]
    error = np.abs(both[0] - both[1]).sum(-1) / 2
    known = np.isfinite(target).all(-1)
    return colours.colourise(np.where(known, error, np.nan), "heat")

  def _likeliest(self, value: np.ndarray) -> np.ndarray:
    """Return the likeliest class i[..., H, W], -1 where there is no label."""
    known = np.isfinite(value).all(-1) & (value != 0).any(-1)
    safe = np.where(known[..., None], value, 0)
    if self.top:
      first = safe[..., self.top :].argmax(-1)[..., None]
      ids = np.take_along_axis(safe[..., : self.top], first, axis=-1)[..., 0]
    else:
      ids = safe.argmax(-1)
    return np.where(known, ids, -1).astype(np.int32)
