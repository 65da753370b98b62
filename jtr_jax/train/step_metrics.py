"""The steps since the last row of metrics: their mean, and whether all is well.

Reading a number back from the device stops the host until it is computed, so
steps are collected here unread, and read together when a row is due.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.train.step import StepMetrics


class NonFiniteError(ArithmeticError):
  """A loss or gradient is NaN or infinite; the training cannot continue."""


class Window:
  """Collects the metrics of steps until a row is due.

  What was read becomes plain sums, which go into a checkpoint between two rows:
  a resumed run writes the row that the uninterrupted one would have written.
  """

  def __init__(
    self, sample_ids: Sequence[str], sums: dict[str, Any] | None = None
  ):
    """Start empty, or with the `sums` of a checkpoint.

    Args:
      sample_ids: of the training split, for the message about a broken image.
      sums: what `read` returned before.
    """
    self._ids = sample_ids
    self._unread: list[tuple[int, StepMetrics]] = []
    self._sums: dict[str, list[float]] = dict(sums or {})

  def add(self, step: int, metrics: StepMetrics) -> None:
    """Collect one dispatch without waiting for it.

    Args:
      step: steps done before it.
      metrics: with a leading axis of steps.
    """
    self._unread.append((step, metrics))

  def read(self) -> dict[str, list[float]]:
    """Return sums and weights by name, after waiting for all steps.

    Raises:
      NonFiniteError: naming the step, the terms and the images.
    """
    for step, metrics in self._unread:
      values: StepMetrics = jax.device_get(metrics)
      for index in range(len(values.gradient_norm)):
        one = jax.tree.map(lambda x, i=index: x[i], values)
        self._require_finite(step + index + 1, one)
        self._accumulate(one)
    self._unread.clear()
    return self._sums

  def row(self) -> dict[str, float]:
    """Return the means of the collected steps, and reset."""
    means = {
      name: total / weight if weight else float("nan")
      for name, (total, weight) in self.read().items()
    }
    self._sums = {}
    return means

  def _accumulate(self, values: StepMetrics) -> None:
    for name, loss in values.losses.items():
      self._include(f"{name}/loss", float(loss.sum), float(loss.weight))
    for name, share in values.balancing.items():
      self._include(name, float(share.sum), float(share.weight))
    for name, value in values.terms.items():
      self._include(name, float(value), 1)
    self._include("gradient/norm", float(values.gradient_norm), 1)

  def _include(self, name: str, total: float, weight: float) -> None:
    before = self._sums.get(name, [0.0, 0.0])
    self._sums[name] = [before[0] + total, before[1] + weight]

  def _require_finite(self, step: int, values: StepMetrics) -> None:
    broken = {n: flags for n, flags in values.broken.items() if flags.any()}
    if not broken and np.isfinite(values.gradient_norm):
      return
    rows = np.any(list(broken.values()), axis=0)
    samples = values.sample[rows] if broken else values.sample
    where = ", ".join(broken) or "the gradient alone"
    ids = ", ".join(self._ids[i] for i in samples)
    raise NonFiniteError(
      errors.message(
        f"Training broke down at step {step}",
        found=f"a number that is not finite in {where}; images {ids}",
        expected="finite losses and gradients",
        do="Look at these images (python -m jtr_jax.data inspect), lower the "
        "learning rate, or use train.dtype=float32. The last checkpoint is "
        "from before and intact.",
      )
    )
