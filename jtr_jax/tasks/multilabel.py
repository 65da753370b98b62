"""Several labels: for each image and class whether it shows the class."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, binary, colours, masked
from jtr_jax.tasks.classification import IMAGE_LEVEL

_BINS = 1000  # of the probability, for the average precision


@dataclasses.dataclass(frozen=True)
class MultiLabel(base.Task):
  """A yes or no for each class of an image; any of them may be missing.

  Labels are f32[..., 1, 1, C]: 1 for yes, 0 for no, negative where nobody
  looked. An image counts once, however many of its classes are known.

  Attributes:
    num_classes: number of classes.
    class_names: their names in order, or empty.
  """

  num_classes: int
  class_names: tuple[str, ...] = ()

  kind: ClassVar = "multilabel"
  geometry: ClassVar = base.Geometry.CATEGORICAL
  metrics: ClassVar = {"mean_ap": +1, "f1": +1, "accuracy": +1}

  def __post_init__(self) -> None:
    if self.num_classes < 1 or len(self.class_names) not in (
      0,
      self.num_classes,
    ):
      raise ValueError(
        errors.message(
          f"Task {self.name!r} does not name every class",
          found=f"{self.num_classes} classes, {len(self.class_names)} names",
          expected="at least one class, and a name for each or none",
          do="Give class_names in the order of the labels.",
        )
      )

  @property
  def grid(self) -> tuple[int, int]:
    """One cell."""
    return IMAGE_LEVEL

  @property
  def channels(self) -> int:
    """One logit for each class."""
    return self.num_classes

  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the logits f32[..., C], as they are."""
    return numerics.widen(raw)

  def counted(self, label: Label) -> jax.Array:
    """Return the masked images bool[..., B, 1, 1] with a known class."""
    return label.mask & jnp.any(label.value >= 0, axis=-1)

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return the cross-entropy of yes and no, averaged over known classes.

    Args:
      prediction: [B, 1, 1, C], logits.
      label: f32[B, 1, 1, C], negative where unknown.

    Returns:
      Weighted, f32[B]: sum and number of images that count.
    """
    return masked.loss_sums(
      _cross_entropy, self.counted(label), prediction, label.value
    )

  def comparable(self, prediction: jax.Array) -> jax.Array:
    """Return the probabilities f32[..., C]."""
    return jax.nn.sigmoid(numerics.widen(prediction))

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return the value f32[..., C], one half where it is unknown."""
    wide = numerics.widen(value)
    return jnp.where(wide < 0, 0.5, wide)

  def joint_prediction(
    self, prediction: jax.Array, *, relaxation: base.Relaxation, key: jax.Array
  ) -> jax.Array:
    """Return memberships f32[..., C], each on its own; see `binary.relaxed`."""
    return binary.relaxed(numerics.widen(prediction), relaxation, key)

  def reconstruction_loss(
    self, reconstruction: jax.Array, target: jax.Array, mask: jax.Array
  ) -> Weighted:
    """Return the mean divergence of sigmoid(reconstruction) from the target.

    Args:
      reconstruction: [B, H, W, C], logits.
      target: [B, H, W, C], memberships, hard or soft.
      mask: bool[B, H, W], the pixels that count.

    Returns:
      Weighted, f32[B].
    """
    return masked.loss_sums(
      lambda r, t: jnp.mean(binary.divergence(r, t), axis=-1),
      mask,
      reconstruction,
      target,
    )

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return known images by probability and class, i32[C, 1000].

    Args:
      prediction: [B, 1, 1, C], logits.
      label: f32[B, 1, 1, C], negative where unknown.

    Returns:
      `yes` and `no`: histograms of the probability over [0, 1].
    """
    counted = self.counted(label)[..., None]
    value = jnp.where(counted, numerics.widen(label.value), -1)
    logit = jnp.where(counted, numerics.widen(prediction), 0)
    level = jnp.floor(jax.nn.sigmoid(logit) * _BINS).astype(jnp.int32)
    place = jnp.arange(self.num_classes) * _BINS + jnp.clip(level, 0, _BINS - 1)
    size = self.num_classes * _BINS
    shape = (self.num_classes, _BINS)
    return {
      "yes": masked.histogram(place, value >= 0.5, size).reshape(shape),
      "no": masked.histogram(place, (value >= 0) & (value < 0.5), size).reshape(
        shape
      ),
    }

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return mean average precision, mean F1, and accuracy at one half.

    Args:
      totals: the histograms of `metric_sums` over the split.

    Returns:
      Fractions in [0, 1]. Means are over the classes that occur; images whose
      probabilities differ by less than a thousandth count as ties.
    """
    yes, no = totals["yes"], totals["no"]
    known = yes.sum() + no.sum()
    if not known:
      return dict.fromkeys(self.metrics, float("nan"))
    half = _BINS // 2
    hits, misses = yes[:, half:].sum(1), yes[:, :half].sum(1)
    alarms = no[:, half:].sum(1)
    occurs = yes.sum(1) > 0
    f1 = 2 * hits / np.maximum(2 * hits + misses + alarms, 1)
    right = hits.sum() + no[:, :half].sum()
    precision = [
      average_precision(y, n)
      for y, n in zip(yes[occurs], no[occurs], strict=True)
    ]
    none = float("nan")
    return {
      "mean_ap": float(np.mean(precision)) if precision else none,
      "f1": float(np.mean(f1[occurs])) if occurs.any() else none,
      "accuracy": float(right / known),
    }

  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return the probabilities f32[..., 1, 1, C] of logits."""
    return binary.probability(prediction)

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return 0 or 1 for the classes that are likely enough, -1 for the others.

    Args:
      prediction: [..., 1, 1, C], logits.
      confidence: the least probability of yes or no that counts.

    Returns:
      f32[..., 1, 1, C], and bool[..., 1, 1]: any class counts.
    """
    probability = jax.nn.sigmoid(numerics.widen(prediction))
    sure = jnp.maximum(probability, 1 - probability) >= confidence
    value = jnp.where(sure, jnp.round(probability), -1)
    return value, jnp.any(sure, axis=-1)

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: the colour of the likeliest class, if it is there."""
    known = np.where(np.isfinite(value), value, -1)
    none = ~np.isfinite(value).all(-1) | (known.max(axis=-1) < 0)
    shade = colours.palette(self.num_classes)[known.argmax(axis=-1)]
    share = np.clip(known.max(axis=-1, keepdims=True), 0, 1)
    blend = np.rint(255 + share * (shade.astype(float) - 255))
    return colours.mark_invalid(blend.astype(np.uint8), none)

  def caption(self, value: np.ndarray) -> str:
    """Return the names of the classes that are there."""
    names = self.class_names or tuple(map(str, range(self.num_classes)))
    there = (value.reshape(-1) >= 0.5).tolist()
    shown = [name for name, yes in zip(names, there, strict=True) if yes]
    return ", ".join(shown) or "none"

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red by the largest error of a known class."""
    error = np.abs(value - target)
    error = np.where(target < 0, -1, error).max(axis=-1)
    return colours.colourise(np.where(error < 0, np.nan, error), "heat")


def average_precision(yes: np.ndarray, no: np.ndarray) -> float:
  """Return the area under precision over recall, in steps (host).

  Args:
    yes: i64[N], positives by score, ascending.
    no: i64[N], negatives.
  """
  hits = np.cumsum(yes[::-1])
  precision = hits / np.maximum(hits + np.cumsum(no[::-1]), 1)
  return float(np.sum(precision * yes[::-1]) / max(hits[-1], 1))


def _cross_entropy(logit: jax.Array, value: jax.Array) -> jax.Array:
  known = value >= 0
  safe = jnp.where(known, value, 0)
  entropy = safe * jax.nn.softplus(-logit) + (1 - safe) * jax.nn.softplus(logit)
  return numerics.safe_divide(
    jnp.sum(entropy, axis=-1, where=known),
    jnp.sum(known, axis=-1, dtype=entropy.dtype),
  )
