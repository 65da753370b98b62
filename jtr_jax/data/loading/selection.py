"""What a run may see of its data: images, tasks and the labels not hidden."""

import bisect
import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.classes.translation import Translation
from jtr_jax.data.records.dataset import Dataset, Records
from jtr_jax.data.records.stored_form import StoredForm

Images: TypeAlias = Literal["all", "labelled", "unlabelled"]
"""Which images of a split take part: those with or without a label to see."""


@dataclasses.dataclass(frozen=True)
class Part:
  """Images of one split of one data set.

  Attributes:
    dataset: the prepared data.
    split: its split.
    rows: i64[N], which images of the split.
    present: bool[N, K], this image shows its label for this task.
    translations: what the class ids of its tasks become.
  """

  dataset: Dataset
  split: str
  rows: np.ndarray
  present: np.ndarray
  translations: Mapping[str, Translation] = dataclasses.field(
    default_factory=dict
  )

  @property
  def ids(self) -> Sequence[str]:
    """Sample ids of the images."""
    ids = self.dataset.manifest.split(self.split).ids
    if len(ids) == len(self.rows):
      return ids
    return tuple(ids[row] for row in self.rows)

  def stored(
    self, task: str, label: np.ndarray, form: StoredForm
  ) -> np.ndarray:
    """Return a label in the run's form."""
    if task not in self.translations:
      return label
    return self.translations[task].apply(label, form)


@dataclasses.dataclass(frozen=True)
class Selection:
  """Images of one or several splits, one after the other.

  Attributes:
    forms: for each task, in order, how its labels are stored.
    parts: where the images are; of one size, with labels of these forms.
  """

  forms: dict[str, StoredForm]
  parts: tuple[Part, ...]

  @property
  def tasks(self) -> tuple[str, ...]:
    """The tasks, in order."""
    return tuple(self.forms)

  @property
  def size(self) -> int:
    """Number of images."""
    return sum(self.sizes)

  @property
  def sizes(self) -> tuple[int, ...]:
    """Number of images of each part."""
    return tuple(len(part.rows) for part in self.parts)

  @functools.cached_property
  def present(self) -> np.ndarray:
    """bool[N, K], this image shows its label for this task."""
    return np.concatenate([part.present for part in self.parts])

  @functools.cached_property
  def known(self) -> dict[str, np.ndarray]:
    """bool[N, C] for the tasks of which images do not know every class."""
    found = {}
    for name in self.forms:
      own = [part.translations.get(name) for part in self.parts]
      known = [one.known for one in own if one]
      if any(not one.all() for one in known):
        nothing = np.zeros_like(known[0])  # of images without the task
        rows = [one.known if one else nothing for one in own]
        found[name] = np.repeat(rows, self.sizes, axis=0)
    return found

  @property
  def split(self) -> str:
    """Name of the first split."""
    return self.parts[0].split

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """(H, W, 3)."""
    return (*self.parts[0].dataset.manifest.size, 3)

  @property
  def nbytes(self) -> int:
    """Bytes of all images and labels as stored, in memory."""
    labels = sum(form.nbytes for form in self.forms.values())
    return self.size * (math.prod(self.image_shape) + labels)

  def source(self) -> "SelectedRecords":
    """Return random access to the images and labels."""
    return SelectedRecords(self)


class SelectedRecords:
  """Random access to a selection; small when pickled."""

  def __init__(self, selection: Selection) -> None:
    self._selection = selection
    self._sources: list[Records] = [
      part.dataset.source(
        part.split,
        [
          name
          for name, shown in zip(selection.forms, part.present.T, strict=True)
          if shown.any()
        ],
      )
      for part in selection.parts
    ]
    self._ends = list(itertools.accumulate(selection.sizes))

  def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the image and the labels of a sample, hidden ones emptied."""
    number = bisect.bisect_right(self._ends, index)
    part = self._selection.parts[number]
    row = index - (self._ends[number] - len(part.rows))
    record = self._sources[number][int(part.rows[row])]
    stored = {
      name: part.stored(name, record[name], form)
      if part.present[row, k]
      else form.empty()
      for k, (name, form) in enumerate(self._selection.forms.items())
    }
    return record["image"], stored


def select(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  labelled: np.ndarray | None = None,
  *,
  images: Images = "all",
  forms: Mapping[str, StoredForm] | None = None,
  translations: Mapping[str, Translation] | None = None,
) -> Selection:
  """Select images and tasks, and hide labels.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks, in order.
    labelled: bool[N, K], False where a label is to be hidden; rows in the
      order of the split's ids, columns in that of `task_names`.
    images: whether only images with, or only those without, a label to see.
    forms: how labels of tasks are stored that this data set does not have, or
      whose classes are translated.
    translations: what the class ids of tasks become.

  Returns:
    The selection; a label is present where it exists and is not hidden.

  Raises:
    ValueError: an unknown task or split, `labelled` of another shape, or no
      image that takes part.
  """
  manifest, found = dataset.manifest, dataset.manifest.split(split)
  others, changed = forms or {}, translations or {}
  own = {
    name: others[name]
    if name in others and (name in changed or name not in manifest.tasks)
    else manifest.form(name)
    for name in task_names
  }
  nothing = np.zeros(found.size, np.bool_)
  present = np.stack(
    [found.labelled.get(name, nothing) for name in task_names], axis=1
  )
  if labelled is not None:
    _check_shape(split, labelled, present)
    present = present & labelled
  rows = _taking_part(images, present)
  if not len(rows):
    raise _no_images(dataset, split, images, present)
  part = Part(dataset, split, rows, present[rows], changed)
  return Selection(own, (part,))


def spread(selection: Selection, count: int) -> Selection:
  """Return images that are evenly spread over a selection, in its order.

  Args:
    selection: the images.
    count: how many; all, if there are not so many.
  """
  last = selection.size - 1
  chosen = np.unique(np.linspace(0, last, min(count, last + 1)).round())
  ends = np.cumsum((0, *selection.sizes))
  parts = []
  for part, start, end in zip(
    selection.parts, ends[:-1], ends[1:], strict=True
  ):
    own = chosen[(chosen >= start) & (chosen < end)].astype(np.int64) - start
    if own.size:
      parts.append(
        dataclasses.replace(
          part, rows=part.rows[own], present=part.present[own]
        )
      )
  return Selection(selection.forms, tuple(parts))


def join(selections: Sequence[Selection]) -> Selection:
  """Return several selections of the same tasks, one after the other."""
  parts = tuple(part for one in selections for part in one.parts)
  return Selection(selections[0].forms, parts)


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


def _taking_part(images: Images, present: np.ndarray) -> np.ndarray:
  """Return i64[N], the rows of the images that take part."""
  if images not in get_args(Images):
    raise errors.unknown_name("data.images", images, get_args(Images))
  shown = present.any(axis=1)
  return np.flatnonzero((images == "all") | (shown == (images == "labelled")))


def _check_shape(split: str, labelled: Any, present: np.ndarray) -> None:
  if labelled.shape != present.shape or labelled.dtype != np.bool_:
    raise ValueError(
      errors.message(
        f"The label split does not fit split {split!r}",
        found=f"{labelled.dtype}{list(labelled.shape)}",
        expected=f"bool{list(present.shape)} (images, tasks)",
        do="Make the label split from the ids of this data set.",
      )
    )


def _no_images(
  dataset: Dataset, split: str, images: Images, present: np.ndarray
) -> ValueError:
  return ValueError(
    errors.message(
      f"No image of {dataset.directory} can take part",
      found=f"none that is {images!r} among the {len(present)} of {split!r}",
      expected="at least one",
      do="Change data.images or the scenario of this source, or leave it out.",
    )
  )
