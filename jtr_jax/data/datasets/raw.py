"""A data set on disk: its files listed, its labels read on demand.

A reader lists the images of one layout and says how a label is decoded. Sizes,
resizing and the search for broken files are the same for all layouts.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files, resample
from jtr_jax.data.datasets.resample import Fit, Size
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.stored_form import TaskOptions, stored_form

IMAGE = "image"

Place: TypeAlias = Any
"""Where an image or a label is read from: a path, or a tuple that begins with
one, such as (file, number in the file)."""

OnProblem: TypeAlias = Callable[[ValueError], None]
"""What to do about a file out of place."""

T = TypeVar("T")


def raise_error(error: ValueError) -> None:
  """Raise the error: what a scan does about a file out of place."""
  raise error


class Row(NamedTuple):
  """One image and its labels, not yet read.

  Attributes:
    id: the sample id.
    image: where the image is.
    labels: for each task that labels the image, where the label is.
  """

  id: str
  image: Place
  labels: Mapping[str, Place]


@dataclasses.dataclass(frozen=True)
class RawTask:
  """How the labels of one task are read.

  Attributes:
    options: its entry in the manifest: `kind` and what describes the labels.
    read: place -> label in stored form at its own size (see
      `data/loading/examples.py`), or None where the file says that the image
      has none; its `ValueError` names the file.
    read_at: (place, size) -> the same as resizing what `read` returns, where
      that can be had at less cost.
  """

  options: TaskOptions
  read: Callable[[Any], np.ndarray | None]
  read_at: Callable[[Any, Size], np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class RawDataset:
  """A data set before it is written as records.

  Attributes:
    name: the data set, such as "nyuv2".
    tasks: how the labels are read.
    splits: for each split its images, in the order of the records.
    source: which files these are and how they are interpreted, for JSON.
    size: (H, W) to prepare at unless the user says otherwise; None: that of
      the images.
    read_image: place -> u8[H, W, 3].
    image_size: place -> (H, W), without reading the pixels where possible.
    fingerprint: changes when any file does; "" where it is not used.
    doubts: what is probably not meant, a line each.
  """

  name: str
  tasks: Mapping[str, RawTask]
  splits: Mapping[str, Sequence[Row]]
  source: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  size: Size | None = None
  read_image: Callable[[Any], np.ndarray] = image_files.read_image
  image_size: Callable[[Any], Size] = image_files.file_size
  fingerprint: str = ""
  doubts: tuple[str, ...] = ()

  @property
  def task_options(self) -> dict[str, TaskOptions]:
    """The manifest's entries of the tasks."""
    return {name: task.options for name, task in self.tasks.items()}


@dataclasses.dataclass(frozen=True)
class RawParts:
  """A data set that is listed and prepared part by part, then joined.

  Attributes:
    name: the data set.
    parts: name of a part, and of its directory -> what lists it and reports
      files out of place.
  """

  name: str
  parts: Mapping[str, Callable[[OnProblem], RawDataset]]


def examples(
  dataset: RawDataset, split: str, size: Size, fit: Fit = "stretch"
) -> Iterator[tuple[str, Arrays]]:
  """Yield (id, arrays in stored form) of one split.

  Args:
    dataset: from a reader.
    split: one of its splits.
    size: (H, W) to resize to: images with an antialiased bilinear filter,
      labels to the nearest pixel.
    fit: "stretch", or "pad" to keep the aspect ratio.

  Yields:
    `image` u8[H, W, 3] and for each task the stored label or None.

  Raises:
    ValueError: naming the file that cannot be used.
  """
  for row in dataset.splits[split]:
    image = dataset.read_image(row.image)
    own = (image.shape[0], image.shape[1])
    arrays: dict[str, np.ndarray | None] = {
      IMAGE: resample.fit_image(image, size, fit)
    }
    for name in dataset.tasks:
      arrays[name] = _label_at(dataset, name, row, own, size, fit)
    yield row.id, arrays


def read_label(
  dataset: RawDataset, name: str, row: Row, own: Size
) -> np.ndarray | None:
  """Return one label in stored form at its own size, or None.

  Args:
    dataset: from a reader.
    name: the task.
    row: the image.
    own: (H, W) of the image.

  Raises:
    ValueError: naming the file, if it cannot be used.
  """
  if name not in row.labels:
    return None
  task = dataset.tasks[name]
  label = task.read(row.labels[name])
  if label is None:
    return None
  expected = stored_form(name, task.options, own).shape
  if label.shape != expected:
    raise ValueError(
      errors.message(
        f"{_file(row.labels[name])} has another size than its image",
        found=_times(label.shape),
        expected=f"{_times(expected)} as {_file(row.image)}",
        do="Make the label again from this image, or delete it.",
      )
    )
  return label


def common_size(dataset: RawDataset) -> Size:
  """Return the (H, W) that all images share.

  Raises:
    ValueError: naming two files of different size.
  """
  places = [row.image for rows in dataset.splits.values() for row in rows]
  first = dataset.image_size(places[0])
  for place in places[1:]:
    size = dataset.image_size(place)
    if size != first:
      raise ValueError(
        errors.message(
          "The images have different sizes",
          found=f"{_file(places[0])} {_times(first)}, "
          f"{_file(place)} {_times(size)}",
          expected="one size, or to be told which to resize to",
          do=f"Give the size, such as --size={_times(first)}.",
        )
      )
  return first


def examine(dataset: RawDataset, row: Row) -> tuple[list[str], Arrays]:
  """Return the problems of the files of one image, and what can be read."""
  size, found = _attempt(lambda: dataset.image_size(row.image))
  image, broken_image = _attempt(lambda: dataset.read_image(row.image))
  found = found or broken_image
  arrays: dict[str, np.ndarray | None] = {IMAGE: image}
  if size is not None:
    for name in dataset.tasks:
      read = functools.partial(read_label, dataset, name, row, size)
      arrays[name], broken = _attempt(read)
      found += broken
  return found, arrays


def _label_at(
  dataset: RawDataset, name: str, row: Row, own: Size, size: Size, fit: Fit
) -> np.ndarray | None:
  """Return a label as it is stored, at the size of the records."""
  task = dataset.tasks[name]
  if name in row.labels and task.read_at is not None:
    inner = resample.inner_size(own, size, fit)
    label = task.read_at(row.labels[name], inner)
  else:
    found = read_label(dataset, name, row, own)
    if found is None or stored_form(name, task.options, size).shape[:2] != size:
      return found
    label = resample.resize_label(found, resample.inner_size(own, size, fit))
  return resample.pad_label(label, size)


def _attempt(read: Callable[[], T]) -> tuple[T | None, list[str]]:
  try:
    return read(), []
  except ValueError as e:
    return None, [str(e)]


def _file(place: Place) -> Path:
  return Path(place[0] if isinstance(place, tuple) else place)


def _times(size: tuple[int, ...]) -> str:
  return f"{size[0]}x{size[1]}"
