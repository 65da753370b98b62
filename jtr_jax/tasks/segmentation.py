"""Semantic segmentation: one class for each pixel."""

import dataclasses
from typing import ClassVar

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, colours, masked

_WRONG = 0.7  # place on the heat map of a pixel of the wrong class


@dataclasses.dataclass(frozen=True)
class Segmentation(base.Task):
  """Semantic segmentation with cross-entropy on logits.

  A class id that is negative or not below `num_classes` counts nowhere: neither
  in the loss nor in the metrics.

  Attributes:
    num_classes: number of classes; the label holds ids from 0.
    class_names: their names in order, or empty.
  """

  num_classes: int
  class_names: tuple[str, ...] = ()

  kind: ClassVar = "segmentation"
  geometry: ClassVar = base.Geometry.CATEGORICAL
  metrics: ClassVar = {"miou": +1, "pixel_accuracy": +1}

  def __post_init__(self) -> None:
    if self.num_classes < 2:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} needs more classes",
          found=f"num_classes = {self.num_classes}",
          expected="at least 2",
          do="Count every class that a label file may hold.",
        )
      )
    if self.class_names and len(self.class_names) != self.num_classes:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} does not name every class",
          found=f"{len(self.class_names)} names",
          expected=f"{self.num_classes} names, or none",
          do="Give class_names in the order of the class ids.",
        )
      )

  @property
  def channels(self) -> int:
    """One logit for each class."""
    return self.num_classes

  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the logits f32[..., C], as they are."""
    return numerics.widen(raw)

  def counted(self, label: Label) -> jax.Array:
    """Return the masked pixels bool[..., B, H, W] of a known class."""
    in_range = (label.value >= 0) & (label.value < self.num_classes)
    return label.mask & in_range

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return the cross-entropy -log softmax(prediction)[class].

    Args:
      prediction: [B, H, W, C], logits.
      label: class ids i32[B, H, W].

    Returns:
      Weighted, f32[B]: sum and number of counted pixels.
    """
    self.check_shapes(prediction, label)
    return masked.loss_sums(
      self._cross_entropy, self.counted(label), prediction, label.value
    )

  def comparable(self, prediction: jax.Array) -> jax.Array:
    """Return the class probabilities f32[..., C]."""
    return jax.nn.softmax(numerics.widen(prediction))

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return the one-hot code f32[..., C]; zeros for ids out of range."""
    return jax.nn.one_hot(value, self.num_classes, dtype=jnp.float32)

  def joint_prediction(
    self, prediction: jax.Array, *, relaxation: base.Relaxation, key: jax.Array
  ) -> jax.Array:
    """Return class memberships f32[..., C] that sum to 1.

    Args:
      prediction: [..., C], logits.
      relaxation: "softmax": the probabilities. "straight_through": the one-hot
        arg max, with the gradient of the soft-max. "gumbel": the same for
        logits plus Gumbel noise (temperature 1), which is a draw from the
        probabilities.
      key: for the noise of "gumbel".

    Returns:
      f32[..., C].

    Raises:
      ValueError: for an unknown relaxation.

    Source: Jang et al. 2017; released utils/process.py (`hard=True`).
    Deviations: the noise is finite by construction, so no redraw is needed.
    """
    logits = numerics.widen(prediction)
    if relaxation == "softmax":
      return jax.nn.softmax(logits)
    if relaxation == "straight_through":
      return _straight_through(logits)
    if relaxation == "gumbel":
      noise = jax.random.gumbel(key, logits.shape, logits.dtype)
      return _straight_through(logits + noise)
    known = ("gumbel", "straight_through", "softmax")
    raise errors.unknown_name("relaxation", relaxation, known)

  def reconstruction_loss(
    self, reconstruction: jax.Array, target: jax.Array, mask: jax.Array
  ) -> Weighted:
    """Return the divergence of softmax(reconstruction) from the target.

    sum_c t_c (log t_c - log softmax(r)_c). For a hard target this *is* the
    cross-entropy, and 0 is its limit as the right logit grows; for a soft
    target the constant entropy is taken off, so that a perfect reconstruction
    has 0. The gradient in either argument is that of the cross-entropy.

    Args:
      reconstruction: [B, H, W, C], logits.
      target: [B, H, W, C], memberships, hard or soft.
      mask: bool[B, H, W], the pixels that count.

    Returns:
      Weighted, f32[B].

    Deviations: the released code divides by the number of non-zero elements of
    the target, and here by the pixels of the mask.
    """
    chex.assert_equal_shape([reconstruction, target])
    return masked.loss_sums(_divergence, mask, reconstruction, target)

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return the confusion matrix i32[C, C]: rows labels, columns predicted."""
    self.check_shapes(prediction, label)
    predicted = jnp.argmax(prediction, axis=-1).astype(jnp.int32)
    pair = label.value.astype(jnp.int32) * self.num_classes + predicted
    counts = masked.histogram(pair, self.counted(label), self.num_classes**2)
    return {"confusion": counts.reshape(self.num_classes, self.num_classes)}

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return mIoU and pixel accuracy, fractions in [0, 1].

    Args:
      totals: the confusion matrix of the split.

    Returns:
      NaN for both if no pixel counted.

    Deviations: classes that are in neither labels nor predictions are left out
    of the mean; the released code returns NaN then.
    """
    confusion = totals["confusion"]
    right = np.diagonal(confusion)
    union = confusion.sum(0) + confusion.sum(1) - right
    if not union.any():
      return dict.fromkeys(self.metrics, float("nan"))
    occurs = union > 0
    return {
      "miou": float(np.mean(right[occurs] / union[occurs])),
      "pixel_accuracy": float(right.sum() / confusion.sum()),
    }

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3] from class ids [H, W]."""
    valid = (value >= 0) & (value < self.num_classes)
    picture = colours.palette(self.num_classes)[np.where(valid, value, 0)]
    return colours.mark_invalid(picture, ~valid)

  def picture_joint(self, joint: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: the class of the largest entry; equal ones: none."""
    invalid = ~np.isfinite(joint).all(-1) | (np.ptp(joint, axis=-1) == 0)
    ids = np.where(invalid, -1, joint.argmax(-1))
    return self.picture(ids)

  @property
  def legend(self) -> base.Legend:
    """The colours of the named classes."""
    rows = colours.palette(self.num_classes).tolist()
    pairs = zip(self.class_names, rows, strict=False)
    return tuple((name, (r, g, b)) for name, (r, g, b) in pairs)

  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return the class ids i32[..., H, W] of logits [..., H, W, C]."""
    return prediction.argmax(-1).astype(np.int32)

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return the likeliest class; it counts if it is likely enough.

    Args:
      prediction: [..., H, W, C], logits.
      confidence: the least soft-max probability that counts.

    Returns:
      Class ids i32[..., H, W] and bool[..., H, W].

    Source: Ghiasi et al. 2021 (MuST): hard labels above a score threshold.
    """
    probability = jax.nn.softmax(numerics.widen(prediction))
    ids = jnp.argmax(probability, axis=-1).astype(jnp.int32)
    return ids, jnp.max(probability, axis=-1) >= confidence

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red where the class is wrong."""
    wrong = np.where(value == target, 0.0, _WRONG)
    return colours.colourise(np.where(target < 0, np.nan, wrong), "heat")

  def _cross_entropy(self, logits: jax.Array, ids: jax.Array) -> jax.Array:
    chosen = jax.nn.one_hot(ids, self.num_classes, dtype=jnp.bool_)
    log_probability = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.where(chosen, log_probability, 0), axis=-1)


def _straight_through(logits: jax.Array) -> jax.Array:
  """Return the one-hot arg max with the gradient of the soft-max."""
  soft = jax.nn.softmax(logits)
  hard = jax.nn.one_hot(
    jnp.argmax(logits, axis=-1), logits.shape[-1], dtype=soft.dtype
  )
  return hard + (soft - jax.lax.stop_gradient(soft))


def _divergence(logits: jax.Array, target: jax.Array) -> jax.Array:
  entropy = jax.scipy.special.entr(jax.lax.stop_gradient(target))
  cross = target * jax.nn.log_softmax(logits)
  return -jnp.sum(cross + entropy, axis=-1)
