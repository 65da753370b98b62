"""One view on what lies at a path: a prepared data set or a raw folder."""

import abc
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import folder, folder_description, image_files
from jtr_jax.data.progress import progress
from jtr_jax.data.records import prepared
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.manifest import TaskOptions

T = TypeVar("T")


class Contents(abc.ABC):
  """Images and stored labels, whatever they are read from.

  Attributes:
    title: what this is.
    tasks: for each task `kind` and options.
    counts: images of each split.
  """

  title: str
  tasks: dict[str, TaskOptions]
  counts: dict[str, int]

  @abc.abstractmethod
  def read(self, split: str, index: int) -> tuple[str, Arrays]:
    """Return the id and the arrays of one image; raise if one is broken."""

  @abc.abstractmethod
  def problems(self, split: str, index: int) -> list[str]:
    """Return what is wrong with one image and each of its labels."""


class Prepared(Contents):
  """The records of a prepared data set."""

  def __init__(self, dataset: prepared.Dataset) -> None:
    manifest = dataset.manifest
    height, width = manifest.size
    self.title = f"{manifest.name}, prepared, {height}x{width}"
    self.tasks = manifest.tasks
    self.counts = {name: split.size for name, split in manifest.splits.items()}
    self._sources = {name: dataset.source(name) for name in manifest.splits}

  def read(self, split: str, index: int) -> tuple[str, Arrays]:
    """Return one record."""
    arrays = dict(self._sources[split][index])
    return arrays.pop("id"), arrays

  def problems(self, split: str, index: int) -> list[str]:
    """Return what is wrong with one record."""
    try:
      self.read(split, index)
    except prepared.BrokenRecordError as e:
      return [f"{e.file}: {split} record {index}: {e.reason}"]
    return []


class Raw(Contents):
  """The files of a folder, labels in stored form at their own size."""

  def __init__(self, listed: folder.Folder) -> None:
    self.title = f"folder {listed.root}, not prepared"
    self.tasks = {name: task.options for name, task in listed.tasks.items()}
    self.counts = {name: len(rows) for name, rows in listed.splits.items()}
    self._folder = listed

  def read(self, split: str, index: int) -> tuple[str, Arrays]:
    """Return the arrays of one image."""
    row = self._folder.splits[split][index]
    image = image_files.read_image(row.image)
    arrays: dict[str, np.ndarray | None] = {
      name: folder.read_label(task, row, image.shape[:2])
      for name, task in self._folder.tasks.items()
    }
    return row.id, arrays | {folder.IMAGE: image}

  def problems(self, split: str, index: int) -> list[str]:
    """Return what is wrong with each file of one image."""
    row = self._folder.splits[split][index]
    size, found = _attempt(lambda: image_files.file_size(row.image))
    _, broken_image = _attempt(lambda: image_files.read_image(row.image))
    found = found or broken_image
    if size is not None:
      for task in self._folder.tasks.values():
        read = functools.partial(folder.read_label, task, row, size)
        found += _attempt(read)[1]
    return found


def _attempt(read: Callable[[], T]) -> tuple[T | None, list[str]]:
  try:
    return read(), []
  except ValueError as e:
    return None, [str(e)]


def open_contents(
  path: Path,
  tasks_file: Path | None = None,
  on_problem: folder.OnProblem = folder.raise_error,
) -> Contents:
  """Open a prepared data set or a raw folder.

  Args:
    path: either.
    tasks_file: the description of a raw folder's tasks, if it lies elsewhere.
    on_problem: what to do about a raw file out of place.

  Returns:
    Its contents.

  Raises:
    ValueError: there is neither.
  """
  if prepared.is_prepared(path):
    return Prepared(prepared.open_dataset(path))
  if is_raw_folder(path):
    return Raw(folder.scan(path, tasks_file, on_problem))
  raise ValueError(
    errors.message(
      f"There is no data in {path}",
      found="neither manifest.json nor train/image",
      expected="what `prepare` wrote, or a folder of images and labels",
      do="Check the path.",
    )
  )


def is_raw_folder(path: Path) -> bool:
  """Return whether a folder of images and labels lies at a path."""
  return (path / "train" / folder.IMAGE).is_dir()


def lacks_description(path: Path, tasks_file: Path | None) -> bool:
  """Return whether a raw folder has no description of its tasks."""
  described = tasks_file or path / folder_description.FILE_NAME
  return is_raw_folder(path) and not described.is_file()


def find_problems(path: Path, tasks_file: Path | None = None) -> list[str]:
  """Read everything at a path and return what is wrong with it.

  Args:
    path: a prepared data set or a raw folder.
    tasks_file: the description of a raw folder's tasks, if it lies elsewhere.

  Returns:
    One text for each broken file or record; empty if all is well.
  """
  found: list[str] = []
  contents = open_contents(path, tasks_file, lambda e: found.append(str(e)))
  for split, count in contents.counts.items():
    for index in progress(range(count), total=count, what=f"verify {split}"):
      found += contents.problems(split, index)
  return found
