"""What a task is: loss, joint encoding, metrics and picture in one object."""

import abc
import dataclasses
import enum
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import Label, Weighted
from jtr_jax.tasks import colours

Relaxation: TypeAlias = Literal["gumbel", "straight_through", "softmax"]
"""How class scores become differentiable class memberships."""

Legend: TypeAlias = tuple[tuple[str, tuple[int, int, int]], ...]
"""Captions and the colours they explain."""

Totals: TypeAlias = dict[str, np.ndarray]
"""Sums and counts over a whole split, int64 or float64, on the host."""


class Geometry(enum.Enum):
  """How the values of a label change when the image is cropped or mirrored."""

  CATEGORICAL = "categorical"  # nearest neighbour, values unchanged
  DEPTH = "depth"  # nearest neighbour, divided by the zoom
  INVERSE_DEPTH = "inverse_depth"  # nearest neighbour, multiplied by the zoom
  NORMALS = "normals"  # interpolated, unit length again, x mirrored by a flip
  DENSE = "dense"  # interpolated, values unchanged


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
  """One output; frozen and hashable, so static under `jax.jit`.

  Shapes below are those of a map. For a task with a `grid` of its own, H and W
  of labels, predictions and masks are the rows and columns of the grid; joint
  encodings are spread over the image where they are stacked.

  Attributes:
    name: key of the task in configs, labels, parameters, metrics and columns.
  """

  name: str

  kind: ClassVar[str]
  geometry: ClassVar[Geometry]
  metrics: ClassVar[Mapping[str, int]]
  """Metric name -> +1 if higher is better, -1 if lower; the first one is the
  task's metric in Delta_MTL."""

  @property
  @abc.abstractmethod
  def channels(self) -> int:
    """Channels of the decoder's output."""

  @property
  def grid(self) -> tuple[int, int] | None:
    """Rows and columns of labels and predictions; None: those of the image.

    (1, 1) is one label for the image as a whole.
    """
    return None

  @property
  def joint_channels(self) -> int:
    """Channels of the joint encoding."""
    return self.channels

  @property
  def primary_metric(self) -> str:
    """The metric of the task that Delta_MTL uses."""
    return next(iter(self.metrics))

  @abc.abstractmethod
  def activate(self, raw: jax.Array) -> jax.Array:
    """Return the prediction f32[..., C] from the raw decoder output."""

  def counted(self, label: Label) -> jax.Array:
    """Return the pixels bool[..., B, H, W] that count in loss and metrics."""
    return label.mask

  @property
  def has_sets(self) -> bool:
    """Whether a label may leave several values possible (`class_sets`)."""
    return False

  def leaves_open(self, label: Label) -> jax.Array:
    """Return bool[..., B, H, W]: several values are possible here."""
    return jnp.zeros_like(label.valid)

  def restrict(self, prediction: jax.Array, label: Label) -> jax.Array:
    """Return a prediction f32[..., C] without what a label rules out.

    Where there is no label, or it leaves everything open, nothing changes.

    Args:
      prediction: f32[..., B, H, W, C].
      label: of the same images.
    """
    del label
    return prediction

  @property
  def has_class_ids(self) -> bool:
    """Whether a label is one class id, without an axis of channels."""
    return self.geometry is Geometry.CATEGORICAL

  def check_shapes(self, prediction: jax.Array, label: Label) -> None:
    """Check that a prediction and a label belong together; when traced.

    Args:
      prediction: [..., B, H, W, C], C `channels`.
      label: class ids [..., B, H, W], or numbers [..., B, H, W, C].

    Raises:
      AssertionError: a shape is another one, and would be broadcast.
    """
    pixels = label.valid.shape
    chex.assert_shape(prediction, (*pixels, self.channels))
    chex.assert_shape(
      label.value, pixels if self.has_class_ids else (*pixels, self.channels)
    )

  @abc.abstractmethod
  def loss(self, prediction: jax.Array, label: Label) -> Weighted:
    """Return the supervised loss per image, summed over counted pixels."""

  @abc.abstractmethod
  def comparable(self, prediction: jax.Array) -> jax.Array:
    """Return f32[..., C] that a squared distance may compare between views."""

  @abc.abstractmethod
  def joint_label(self, value: jax.Array) -> jax.Array:
    """Return the joint encoding f32[..., J] of a label's value, unmasked."""

  @abc.abstractmethod
  def joint_prediction(
    self, prediction: jax.Array, *, relaxation: Relaxation, key: jax.Array
  ) -> jax.Array:
    """Return the joint encoding f32[..., J] of a prediction, unmasked."""

  @abc.abstractmethod
  def reconstruction_loss(
    self, reconstruction: jax.Array, target: jax.Array, mask: jax.Array
  ) -> Weighted:
    """Return the loss of a raw reconstruction of a joint encoding.

    Args:
      reconstruction: f32[B, H, W, J], raw output of the auto-encoder.
      target: f32[B, H, W, J], the joint encoding it should reproduce.
      mask: bool[B, H, W], the pixels that count.

    Returns:
      Weighted, per image; 0 for a perfect reconstruction.
    """

  @abc.abstractmethod
  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return sums and counts of one batch: i32 counts, f32 sums; for jit."""

  @abc.abstractmethod
  def metric_values(self, totals: Totals) -> dict[str, float]:
    """Return the metrics from `metric_sums` added up over a split (host)."""

  @abc.abstractmethod
  def picture(self, value: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3], a picture of a label's value or of `output_value`."""

  def picture_joint(self, joint: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3], a picture of a joint encoding f32[H, W, J]."""
    return self.picture(joint)

  def caption(self, value: np.ndarray) -> str:
    """Return the value of a whole image's label in words, or ""."""
    del value
    return ""

  @property
  def legend(self) -> Legend:
    """What the colours of `picture` mean; empty where that is plain."""
    return ()

  @property
  def error_legend(self) -> Legend:
    """What the colours of `error_picture` mean, if they are not this."""
    return colours.heat_legend(1.0)

  @abc.abstractmethod
  def output_value(self, prediction: np.ndarray) -> np.ndarray:
    """Return a prediction in the form of a label's value (class ids, ...)."""

  @abc.abstractmethod
  def pseudo_label(
    self, prediction: jax.Array, *, confidence: float
  ) -> tuple[jax.Array, jax.Array]:
    """Return what a prediction would be as a label, and where it may count.

    Args:
      prediction: f32[..., H, W, C].
      confidence: probability that a class must have to count.

    Returns:
      The value, class ids i32[..., H, W] or f32[..., H, W, C], and
      bool[..., H, W].
    """

  @abc.abstractmethod
  def error_picture(self, value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u8[H, W, 3], where and how much a value misses its target."""
