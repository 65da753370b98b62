"""Semantic segmentation: one class for each pixel."""

import dataclasses
from typing import ClassVar

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, class_sets, colours, masked, memberships

_WRONG = 0.7  # place on the heat map of a pixel of the wrong class


@dataclasses.dataclass(frozen=True)
class Segmentation(base.Task):
  """Semantic segmentation with cross-entropy on logits.

  A label is the id of a class, or of a set of classes one of which it is. Any
  other id counts nowhere: neither in the loss nor in the metrics.

  Attributes:
    num_classes: number of classes; the label holds ids from 0.
    class_names: their names in order, or empty.
    sets: classes of the ids from `num_classes` on, see `class_sets`.
    class_loss: "softmax": -log of the summed probability of the classes of a
      label. "sigmoid": a logistic loss for each class that a label decides.
  """

  num_classes: int
  class_names: tuple[str, ...] = ()
  sets: class_sets.Sets = ()
  class_loss: class_sets.ClassLoss = "softmax"

  kind: ClassVar = "segmentation"
  geometry: ClassVar = base.Geometry.CATEGORICAL
  metrics: ClassVar = {"miou": +1, "pixel_accuracy": +1}
  error_legend: ClassVar = colours.right_or_wrong(_WRONG)

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
    class_sets.check(self.name, self.num_classes, self.sets)

  @property
  def channels(self) -> int:
    """One logit for each class."""
    return self.num_classes

  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the logits f32[..., C], as they are."""
    return numerics.widen(raw)

  def counted(self, label: Label) -> jax.Array:
    """Return the masked pixels bool[..., B, H, W] of a known id."""
    end = self.num_classes + len(self.sets)
    return label.mask & (label.value >= 0) & (label.value < end)

  @property
  def has_sets(self) -> bool:
    """Whether a label may leave several classes possible."""
    return bool(self.sets)

  def leaves_open(self, label: Label) -> jax.Array:
    """Return the counted pixels bool[..., B, H, W] of several classes."""
    if not self.sets:
      return super().leaves_open(label)
    return self.counted(label) & (label.value >= self.num_classes)

  def restrict(self, prediction: jax.Array, label: Label) -> jax.Array:
    """Return logits f32[..., C] without the classes that a label rules out."""
    if not self.sets:
      return prediction
    counted = self.counted(label)
    may_be = self._possible(numerics.fill(label.value, counted))
    return class_sets.restrict(prediction, may_be | ~counted[..., None])

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return the cross-entropy -log softmax(prediction)[class].

    For a set of classes, -log of their summed probability; with a `class_loss`
    of "sigmoid" see `class_sets.each_class`.

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
    return self._probability(prediction)

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
    return memberships.relaxed(numerics.widen(prediction), relaxation, key)

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
    return masked.loss_sums(
      memberships.divergence, mask, reconstruction, target
    )

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return the confusion matrix i32[C, C]: rows labels, columns predicted.

    Pixels of a set of classes are not in it. Where images do not know all
    classes, `class_sets.overlaps` comes with it.
    """
    self.check_shapes(prediction, label)
    predicted = jnp.argmax(prediction, axis=-1).astype(jnp.int32)
    ids, counted = label.value.astype(jnp.int32), self.counted(label)
    pair = ids * self.num_classes + predicted
    single = counted & (ids < self.num_classes)
    counts = masked.histogram(pair, single, self.num_classes**2)
    confusion = counts.reshape(self.num_classes, self.num_classes)
    if label.known is None:
      return {"confusion": confusion}
    overlaps = class_sets.overlaps(ids, predicted, counted, label.known)
    return {"confusion": confusion, **overlaps}

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return mIoU and pixel accuracy, fractions in [0, 1].

    The IoU of a class is taken over the images that know it. Pixel accuracy is
    that of the pixels whose label is a single class.

    Args:
      totals: the sums of the split.

    Returns:
      NaN for both if no pixel counted.

    Deviations: classes that are in neither labels nor predictions are left out
    of the mean; the released code returns NaN then.
    """
    confusion = totals["confusion"]
    if "labelled" in totals:
      right, labelled = totals["right"], totals["labelled"]
      predicted = totals["predicted"]
    else:
      right = np.diag(confusion)
      predicted, labelled = confusion.sum(axis=0), confusion.sum(axis=1)
    union = predicted + labelled - right
    occurs = union > 0
    return {
      "miou": float(np.mean(right[occurs] / union[occurs]))
      if occurs.any()
      else float("nan"),
      "pixel_accuracy": masked.ratio(np.trace(confusion), confusion.sum()),
    }

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3] from class ids [H, W]; sets are hatched."""
    is_set = self._is_set(value)
    single = (value >= 0) & (value < self.num_classes)
    picture = colours.palette(self.num_classes)[np.where(single, value, 0)]
    picture = colours.mark_invalid(picture, ~single & ~is_set)
    return colours.hatch(picture, is_set) if is_set.any() else picture

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
    probability = self._probability(prediction)
    ids = jnp.argmax(probability, axis=-1).astype(jnp.int32)
    return ids, jnp.max(probability, axis=-1) >= confidence

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red where the class is wrong."""
    right = value == target
    if self.sets:
      table = class_sets.membership(self.num_classes, self.sets)
      safe = np.clip(target, 0, len(table) - 1)
      right = table[safe, np.clip(value, 0, self.num_classes - 1)]
    wrong = np.where(right, 0.0, _WRONG)
    return colours.colourise(np.where(target < 0, np.nan, wrong), "heat")

  def _probability(self, prediction: jax.Array) -> jax.Array:
    """Return f32[..., C]: of all classes together, or of each by itself."""
    logits = numerics.widen(prediction)
    is_shared = self.class_loss == "softmax"
    return jax.nn.softmax(logits) if is_shared else jax.nn.sigmoid(logits)

  def _possible(self, ids: jax.Array) -> jax.Array:
    """Return bool[..., C]: the classes that ids leave possible."""
    return class_sets.possible(ids, self.num_classes, self.sets)

  def _is_set(self, value: np.ndarray) -> np.ndarray:
    """Return bool[H, W]: the id of a set of classes."""
    end = self.num_classes + len(self.sets)
    return (value >= self.num_classes) & (value < end)

  def _cross_entropy(self, logits: jax.Array, ids: jax.Array) -> jax.Array:
    if self.class_loss == "sigmoid":
      return class_sets.each_class(logits, self._possible(ids))
    if self.sets:
      return class_sets.marginal(logits, self._possible(ids))
    chosen = jax.nn.one_hot(ids, self.num_classes, dtype=jnp.bool_)
    log_probability = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.where(chosen, log_probability, 0), axis=-1)
