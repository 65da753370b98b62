"""The base of saliency and edges: one logit, and two classes of pixels."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import base, colours, masked


@dataclasses.dataclass(frozen=True)
class Binary(base.Task):
  """A yes or no for each pixel, with a weighted cross-entropy on logits.

  Labels are f32[..., H, W, 1] in [0, 1], predictions are logits.
  """

  geometry: ClassVar = base.Geometry.CATEGORICAL

  @property
  def channels(self) -> int:
    """One logit."""
    return 1

  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the logit f32[..., 1], as it is."""
    return numerics.widen(raw)

  def positive_weight(self, label: Label) -> jax.Array:
    """Return f32[...], the weight of "yes" in each image; "no" has the rest.

    Here the fraction of "no" in the counted pixels, so that both classes weigh
    the same.

    Source: Xie and Tu 2015 (HED), Eq. (2).
    Deviations: the released code of ASTMT has the fraction in the whole batch.
    """
    mask = label.mask
    value = numerics.fill(numerics.widen(label.value), mask)[..., 0]
    positive = jnp.sum(value, axis=(-2, -1))
    count = jnp.sum(mask, axis=(-2, -1), dtype=positive.dtype)
    return numerics.safe_divide(count - positive, count)

  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return -w y log p - (1 - w) (1 - y) log(1 - p), p = sigmoid(prediction).

    Args:
      prediction: [B, H, W, 1], logits.
      label: f32[B, H, W, 1] in [0, 1].

    Returns:
      Weighted, f32[B]: sum and number of counted pixels; w is that of
      `positive_weight`.
    """
    weight = self.positive_weight(label)[..., None, None, None]
    return masked.loss_sums(
      _weighted_cross_entropy,
      label.mask,
      prediction,
      label.value,
      jnp.broadcast_to(weight, label.value.shape),
    )

  def comparable(self, prediction: jax.Array) -> jax.Array:
    """Return the probability of "yes" f32[..., 1]."""
    return jax.nn.sigmoid(numerics.widen(prediction))

  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return the value f32[..., 1] itself."""
    return numerics.widen(value)

  def joint_prediction(
    self, prediction: jax.Array, *, relaxation: base.Relaxation, key: jax.Array
  ) -> jax.Array:
    """Return memberships f32[..., 1] of logits, see `relaxed`."""
    return relaxed(numerics.widen(prediction), relaxation, key)

  def reconstruction_loss(
    self, reconstruction: jax.Array, target: jax.Array, mask: jax.Array
  ) -> Weighted:
    """Return the divergence of sigmoid(reconstruction) from the target.

    For a hard target this is the cross-entropy; for a soft one its entropy is
    taken off, so that a perfect reconstruction has 0.

    Args:
      reconstruction: [B, H, W, 1], logits.
      target: [B, H, W, 1], memberships, hard or soft.
      mask: bool[B, H, W], the pixels that count.

    Returns:
      Weighted, f32[B].
    """
    return masked.loss_sums(
      lambda r, t: divergence(r, t)[..., 0], mask, reconstruction, target
    )

  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return the probabilities f32[..., H, W, 1] of logits."""
    return probability(prediction)

  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return 0 or 1, which counts if it is likely enough.

    Args:
      prediction: [..., H, W, 1], logits.
      confidence: the least probability that counts.

    Returns:
      f32[..., H, W, 1] and bool[..., H, W].
    """
    probability = jax.nn.sigmoid(numerics.widen(prediction))
    likely = jnp.maximum(probability, 1 - probability)[..., 0]
    return jnp.round(probability), likely >= confidence

  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3] from f[H, W, 1]: dark for 0, bright for 1."""
    return colours.colourise(value[..., 0], "magma")

  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3]: red by how much the probability is off."""
    return colours.colourise(np.abs(value - target)[..., 0], "heat")


def _weighted_cross_entropy(
  logit: jax.Array, value: jax.Array, weight: jax.Array
) -> jax.Array:
  yes = weight * value * jax.nn.softplus(-logit)
  no = (1 - weight) * (1 - value) * jax.nn.softplus(logit)
  return (yes + no)[..., 0]


def relaxed(
  logit: jax.Array, relaxation: base.Relaxation, key: jax.Array
) -> jax.Array:
  """Return how much each logit says yes, f32[...].

  Args:
    logit: f32[...].
    relaxation: "softmax": the probability. "straight_through": the likelier of
      0 and 1, with the gradient of the probability. "gumbel": the same for the
      logit plus logistic noise, which is a draw from the probability.
    key: for the noise of "gumbel".

  Raises:
    ValueError: for an unknown relaxation.
  """
  if relaxation == "softmax":
    return jax.nn.sigmoid(logit)
  if relaxation == "straight_through":
    return _straight_through(logit)
  if relaxation == "gumbel":  # logistic: the difference of two Gumbel draws
    noise = jax.random.logistic(key, logit.shape, logit.dtype)
    return _straight_through(logit + noise)
  known = ("gumbel", "straight_through", "softmax")
  raise errors.unknown_name("relaxation", relaxation, known)


def probability(logit: np.ndarray) -> np.ndarray:
  """Return sigmoid(logit) f32[...] on the host, without overflow."""
  half = np.tanh(0.5 * logit.astype(np.float32))
  return np.asarray((1 + half) / 2, np.float32)


def divergence(logit: jax.Array, target: jax.Array) -> jax.Array:
  """Return the divergence of sigmoid(logit) from a membership, f32[...]."""
  fixed = jax.lax.stop_gradient(target)
  entropy = jax.scipy.special.entr(fixed) + jax.scipy.special.entr(1 - fixed)
  cross = target * jax.nn.softplus(-logit) + (1 - target) * jax.nn.softplus(
    logit
  )
  return cross - entropy


def _straight_through(logit: jax.Array) -> jax.Array:
  """Return 0 or 1 with the gradient of the probability."""
  soft = jax.nn.sigmoid(logit)
  hard = (logit > 0).astype(soft.dtype)
  return hard + (soft - jax.lax.stop_gradient(soft))
