"""What a run may see of a split: its tasks and the labels not hidden."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.manifest import StoredForm
from jtr_jax.data.records import Dataset, Source


@dataclasses.dataclass(frozen=True)
class Selection:
  """The visible part of one split.

  Attributes:
    dataset: the prepared data.
    split: its split.
    tasks: the tasks, in order.
    present: bool[N, K], this image shows its label for this task.
  """

  dataset: Dataset
  split: str
  tasks: tuple[str, ...]
  present: np.ndarray

  @property
  def size(self) -> int:
    """Number of images."""
    return len(self.present)

  @property
  def forms(self) -> dict[str, StoredForm]:
    """How the labels of each task are stored."""
    return {name: self.dataset.manifest.form(name) for name in self.tasks}

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """(H, W, 3)."""
    return (*self.dataset.manifest.size, 3)

  @property
  def nbytes(self) -> int:
    """Bytes of all images and labels as stored, in memory."""
    labels = sum(form.nbytes for form in self.forms.values())
    return self.size * (math.prod(self.image_shape) + labels)

  def source(self) -> Source:
    """Return random access to the records."""
    return self.dataset.source(self.split)

  def read(
    self, source: Source, index: int
  ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the image and the labels of a sample, hidden ones emptied."""
    record = source[index]
    stored = {
      name: record[name] if self.present[index, k] else form.empty()
      for k, (name, form) in enumerate(self.forms.items())
    }
    return record["image"], stored


def select(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  labelled: np.ndarray | None = None,
) -> Selection:
  """Select tasks, and hide labels.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks, in order.
    labelled: bool[N, K], False where a label is to be hidden; rows in the
      order of the split's ids, columns in that of `task_names`.

  Returns:
    The selection; a label is present where it exists and is not hidden.

  Raises:
    ValueError: an unknown task or split, or `labelled` of another shape.
  """
  ids = dataset.manifest.split(split)
  for name in task_names:
    dataset.manifest.form(name)
  present = np.stack([ids.labelled[name] for name in task_names], axis=1)
  if labelled is not None:
    if labelled.shape != present.shape or labelled.dtype != np.bool_:
      raise ValueError(
        errors.message(
          f"The label split does not fit split {split!r}",
          found=f"{labelled.dtype}{list(labelled.shape)}",
          expected=f"bool{list(present.shape)} (images, tasks)",
          do="Make the label split from the ids of this data set.",
        )
      )
    present = present & labelled
  return Selection(dataset, split, tuple(task_names), present)


def check_every_task_labelled(selection: Selection, scenario: str) -> None:
  """Raise if a task has no label at all to train from.

  Args:
    selection: what the run sees.
    scenario: how labels were hidden, for the message.

  Raises:
    ValueError: naming task and scenario.
  """
  counts = dict(
    zip(selection.tasks, selection.present.sum(axis=0).tolist(), strict=True)
  )
  for name, count in counts.items():
    if count == 0:
      raise ValueError(
        errors.message(
          f"Task {name!r} has no training labels in scenario {scenario!r}",
          found=f"labelled images {counts} of {selection.size} in split "
          f"{selection.split!r}",
          expected="at least one for each task",
          do="Leave the task out, or choose another scenario.",
        )
      )
