"""Edges: whether a pixel is part of the boundary between two things."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jtr_jax.core import errors, numerics
from jtr_jax.core.types import Label
from jtr_jax.tasks import base, binary, edge_matching


@dataclasses.dataclass(frozen=True)
class Edges(binary.Binary):
  """Edges with a cross-entropy in which they outweigh everything else.

  The metric takes a predicted edge for right where a true one is near, however
  many others it is near to; `metrics/ods_f.py` gives each pixel one partner, as
  published, and takes minutes for what this takes seconds.

  Attributes:
    edge_weight: what an edge pixel weighs in the loss; others weigh the rest.
    tolerance: how far a predicted edge may be off, relative to the diagonal.

  Source: Maninis et al. 2019 (ASTMT): weight 0.95; Martin et al. 2004: the
    measure, with a tolerance of 0.0075.
  """

  edge_weight: float = 0.95
  tolerance: float = 0.0075

  kind: ClassVar = "edges"
  metrics: ClassVar = {"tolerant_f": +1}

  def __post_init__(self) -> None:
    if not 0 < self.edge_weight < 1:
      raise ValueError(
        errors.message(
          f"Task {self.name!r} weighs edges wrongly",
          found=f"edge_weight = {self.edge_weight}",
          expected="a number between 0 and 1",
          do="Leave it out for 0.95.",
        )
      )

  def positive_weight(self, label: Label) -> jax.Array:
    """Return f32[...]: the same number for every image."""
    return jnp.full(label.present.shape, self.edge_weight, jnp.float32)

  def metric_sums(
    self, prediction: jax.Array, label: Label
  ) -> dict[str, jax.Array]:
    """Return counts of edge pixels by probability, see `edge_matching.Counts`.

    Args:
      prediction: [B, H, W, 1], logits.
      label: f32[B, H, W, 1]; an edge from 0.5 on.

    Returns:
      i32[100] each; `true`, `pixels`: i32[] edge pixels and all that count.
    """
    mask = label.mask
    truth = numerics.fill(numerics.widen(label.value), mask)[..., 0] >= 0.5
    logit = numerics.fill(numerics.widen(prediction), mask)[..., 0]
    counts = edge_matching.count(
      jax.nn.sigmoid(logit), truth, mask, self.tolerance
    )
    return {
      **counts._asdict(),
      "true": jnp.sum(truth & mask, dtype=jnp.int32),
      "pixels": jnp.sum(mask, dtype=jnp.int32),
    }

  def metric_values(self, totals: base.Totals) -> dict[str, float]:
    """Return the best F measure over thresholds, the same for all images.

    Args:
      totals: the sums of `metric_sums` over the split.

    Returns:
      A fraction in [0, 1]; NaN if no pixel counted.
    """
    if not totals["pixels"]:
      return {"tolerant_f": float("nan")}
    f = edge_matching.f_of_levels(
      totals["predicted"],
      totals["correct"],
      totals["found"],
      int(totals["true"]),
    )
    return {"tolerant_f": float(f.max())}
