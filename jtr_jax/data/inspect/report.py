"""Reports on a data set: units, ranges, valid pixels, classes."""

import dataclasses
import math
from pathlib import Path

import numpy as np

from jtr_jax.data.inspect.contents import Contents
from jtr_jax.data.inspect.doubts import Doubts
from jtr_jax.data.progress_bar import progress
from jtr_jax.data.records.stored_form import TaskOptions

_UNITS = {
  "segmentation": "class id",
  "human_parts": "class id",
  "classification": "class id",
  "saliency": "0 or 1",
  "edges": "0 or 1",
  "multilabel": "0 or 1",
  "soft_labels": "probability",
  "depth": "m",
  "inverse_depth": "1/m",
  "normals": "unit vector",
}
_COUNTED = ("segmentation", "human_parts", "classification", "multilabel")
_BAR = 30  # characters for the most frequent class


@dataclasses.dataclass
class Statistics:
  """Sums over the labels of one task in one split.

  Attributes:
    images: images of the split.
    labelled: images with a label.
    pixels: pixels of the labels.
    valid: pixels with ground truth.
    total: sum of the valid values.
    squares: sum of their squares.
    values: number of the valid values.
    low: smallest value.
    high: largest value.
    dtype: how the labels are stored.
    classes: pixels of each class, or images that show it.
  """

  images: int
  classes: np.ndarray
  labelled: int = 0
  pixels: int = 0
  valid: int = 0
  values: int = 0
  total: float = 0.0
  squares: float = 0.0
  low: float = np.inf
  high: float = -np.inf
  dtype: str = "-"

  def add(self, label: np.ndarray) -> None:
    """Count one label in stored form."""
    self.labelled += 1
    self.dtype = str(label.dtype)
    self.pixels += label.shape[0] * label.shape[1]
    if label.dtype.kind == "i":
      known = label >= 0
      values = label[known].astype(np.int64)
      self.valid += int(known.reshape(*label.shape[:2], -1).any(-1).sum())
      self._count_classes(label, values)
    else:
      valid = np.all(np.isfinite(label), axis=-1)
      self.valid += int(valid.sum())
      values = label[valid].astype(np.float64)
    if values.size:
      self.values += values.size
      self.total += float(values.sum())
      self.squares += float(np.square(values).sum())
      self.low = min(self.low, float(values.min()))
      self.high = max(self.high, float(values.max()))

  def _count_classes(self, label: np.ndarray, values: np.ndarray) -> None:
    """Count pixels of each class, or images that show it."""
    if label.ndim == 2:
      self.classes += np.bincount(values, minlength=self.classes.size)
    elif label.shape[-1] == self.classes.size:
      self.classes += (label > 0).sum(axis=(0, 1))


def gather_statistics(
  contents: Contents, doubts: Doubts
) -> dict[str, dict[str, Statistics]]:
  """Read everything and return the statistics of each split and task."""
  return {
    split: _of_split(contents, split, doubts) for split in contents.counts
  }


def _of_split(
  contents: Contents, split: str, doubts: Doubts
) -> dict[str, Statistics]:
  count = contents.counts[split]
  found = {
    name: Statistics(count, np.zeros(len(task.get("classes", ())), np.int64))
    for name, task in contents.tasks.items()
  }
  for index in progress(range(count), total=count, what=f"inspect {split}"):
    identifier, arrays = contents.read(split, index)
    doubts.see(split, identifier, arrays)
    for name, statistics in found.items():
      label = arrays[name]
      if label is not None:
        statistics.add(label)
  return found


def report(path: Path, contents: Contents) -> str:
  """Return a table of every task and split, and the classes' frequencies.

  Args:
    path: of the data, for the title.
    contents: the data.

  Returns:
    Text of several lines.
  """
  doubts = Doubts(contents)
  statistics = gather_statistics(contents, doubts)
  rows: list[tuple[str, ...]] = [
    (
      "split",
      "task",
      "kind",
      "dtype",
      "unit",
      "labelled",
      "valid",
      "min",
      "mean",
      "std",
      "max",
    )
  ]
  for split, tasks in statistics.items():
    for name, found in tasks.items():
      rows.append((split, name, *_row(contents.tasks[name], found)))
  parts = [f"{path}: {contents.title}", _aligned(rows)]
  for name, task in contents.tasks.items():
    if task["kind"] in _COUNTED:
      counts = {
        split: tasks[name].classes for split, tasks in statistics.items()
      }
      parts.append(_histogram(name, task["classes"], counts))
  warnings = [f"warning: {line}" for line in doubts.lines()]
  parts += ["\n".join(warnings)] if warnings else []
  return "\n\n".join(parts) + "\n"


def _row(task: TaskOptions, found: Statistics) -> tuple[str, ...]:
  unit = task.get("unit") or _UNITS.get(task["kind"], "-")
  labelled = f"{found.labelled} of {found.images}"
  start = (task["kind"], found.dtype, unit, labelled)
  if not found.values:
    return (*start, "-", "-", "-", "-", "-")
  share = f"{found.valid / found.pixels:.1%}"
  if _UNITS.get(task["kind"]) == "class id":
    return (*start, share, f"{found.low:.0f}", "-", "-", f"{found.high:.0f}")
  mean = found.total / found.values
  std = math.sqrt(max(0.0, found.squares / found.values - mean**2))
  numbers = (found.low, mean, std, found.high)
  return (*start, share, *(f"{number:.4g}" for number in numbers))


def _aligned(rows: list[tuple[str, ...]]) -> str:
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  return "\n".join(
    "  ".join(
      cell.ljust(width) for cell, width in zip(row, widths, strict=True)
    ).rstrip()
    for row in rows
  )


def _histogram(
  name: str, classes: list[str], counts: dict[str, np.ndarray]
) -> str:
  shares = {split: c / max(1, c.sum()) for split, c in counts.items()}
  first = next(iter(shares.values()))
  rows = [(f"{name}: class", *(f"{split}" for split in shares), "")]
  for i, label in enumerate(classes):
    bar = "#" * round(_BAR * first[i] / max(first.max(), 1e-9))
    cells = (f"{share[i]:7.2%}" for share in shares.values())
    rows.append((f"{i:3d} {label}", *cells, bar))
  return _aligned(rows)
