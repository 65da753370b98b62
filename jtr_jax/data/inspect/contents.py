"""One view of the data at a path: a prepared data set or a raw folder."""

import abc
import bisect
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import folder_description
from jtr_jax.data.datasets import raw as raw_lib
from jtr_jax.data.datasets.raw import OnProblem, RawDataset, RawParts
from jtr_jax.data.datasets.readers import READERS
from jtr_jax.data.records import prepared
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.dataset import BrokenRecordError
from jtr_jax.data.records.stored_form import TaskOptions

_FOLDER = "folder"  # the first of `READERS`


class Examined(NamedTuple):
  """What was found of one image.

  Attributes:
    problems: what is wrong with its files, a text each.
    id: the sample id.
    arrays: what could be read.
  """

  problems: list[str]
  id: str
  arrays: Arrays


class Contents(abc.ABC):
  """Images and stored labels, whatever they are read from.

  Attributes:
    title: what this is.
    tasks: for each task `kind` and options.
    counts: images of each split.
    doubts: what the listing of the files found odd, a line each.
  """

  title: str
  tasks: dict[str, TaskOptions]
  counts: dict[str, int]
  doubts: tuple[str, ...] = ()

  @abc.abstractmethod
  def read(self, split: str, index: int) -> tuple[str, Arrays]:
    """Return the id and the arrays of one image; raise if one is broken."""

  @abc.abstractmethod
  def examine(self, split: str, index: int) -> Examined:
    """Return the problems of one image and its labels, and the rest."""


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

  def examine(self, split: str, index: int) -> Examined:
    """Return the problems of one record, or what it holds."""
    try:
      identifier, arrays = self.read(split, index)
    except BrokenRecordError as e:
      problem = f"{e.file}: {split} record {index}: {e.reason}"
      return Examined([problem], "", {})
    return Examined([], identifier, arrays)


class Raw(Contents):
  """The files of a data set, labels in stored form at their own size."""

  def __init__(self, path: Path, listed: RawDataset) -> None:
    self.title = f"{listed.name} {path}, not prepared"
    self.tasks = listed.task_options
    self.counts = {name: len(rows) for name, rows in listed.splits.items()}
    self.doubts = listed.doubts
    self._listed = listed

  def read(self, split: str, index: int) -> tuple[str, Arrays]:
    """Return the arrays of one image."""
    row = self._listed.splits[split][index]
    image = self._listed.read_image(row.image)
    own = (image.shape[0], image.shape[1])
    arrays: dict[str, np.ndarray | None] = {
      name: raw_lib.read_label(self._listed, name, row, own)
      for name in self._listed.tasks
    }
    return row.id, arrays | {raw_lib.IMAGE: image}

  def examine(self, split: str, index: int) -> Examined:
    """Return the problems of the files of one image, and the rest."""
    row = self._listed.splits[split][index]
    problems, arrays = raw_lib.examine(self._listed, row)
    return Examined(problems, row.id, arrays)


class RawInParts(Contents):
  """The files of a data set in parts, of which one is listed at a time."""

  def __init__(
    self, path: Path, found: RawParts, on_problem: OnProblem
  ) -> None:
    self.title = f"{found.name} {path}, not prepared, {len(found.parts)} parts"
    self.counts = {}
    self.tasks = {}
    self._parts = found.parts
    self._starts: dict[str, list[tuple[int, str]]] = {}
    for name, scan in found.parts.items():
      listed = scan(on_problem)
      self.tasks |= listed.task_options
      for split, rows in listed.splits.items():
        start = self.counts.get(split, 0)
        self._starts.setdefault(split, []).append((start, name))
        self.counts[split] = start + len(rows)
    self._open: tuple[str, Raw] | None = None
    self._path = path

  def read(self, split: str, index: int) -> tuple[str, Arrays]:
    """Return the arrays of one image."""
    part, place = self._part_of(split, index)
    return part.read(split, place)

  def examine(self, split: str, index: int) -> Examined:
    """Return the problems of the files of one image, and the rest."""
    part, place = self._part_of(split, index)
    return part.examine(split, place)

  def _part_of(self, split: str, index: int) -> tuple[Raw, int]:
    """Return the part with an image, and the place of the image in it."""
    starts = self._starts[split]
    start, name = starts[bisect.bisect_right(starts, (index, "~")) - 1]
    if self._open is None or self._open[0] != name:
      listed = self._parts[name](_ignore)  # reported before
      self._open = (name, Raw(self._path, listed))
    return self._open[1], index - start


def _ignore(error: ValueError) -> None:
  del error


def open_contents(
  path: Path,
  on_problem: OnProblem = raw_lib.raise_error,
  **options: Any,
) -> Contents:
  """Open a prepared data set or the files of one that can be prepared.

  Args:
    path: either.
    on_problem: what to do about a raw file out of place.
    **options: of the reader that knows the files.

  Returns:
    Its contents.

  Raises:
    ValueError: there is neither.
  """
  if prepared.is_prepared(path):
    return Prepared(prepared.open_dataset(path))
  name = find_layout(path)
  if name:
    reader = READERS[name]
    known = {n: v for n, v in options.items() if n in reader.options}
    found = reader.scan(path, on_problem=on_problem, **known)
    if isinstance(found, RawDataset):
      return Raw(path, found)
    return RawInParts(path, found, on_problem)
  raise ValueError(
    errors.message(
      f"There is no data in {path}",
      found="neither manifest.json nor files of a known layout",
      expected="what `prepare` wrote, or what it can read: "
      + ", ".join(READERS),
      do="Check the path.",
    )
  )


def find_layout(path: Path) -> str:
  """Return the data set whose files are at a path, "" for none.

  A user's own folder is one that describes its tasks, or that is nothing else.
  """
  names = [name for name, reader in READERS.items() if reader.is_here(path)]
  if _FOLDER in names and not (path / folder_description.FILE_NAME).is_file():
    names.remove(_FOLDER)
    names.append(_FOLDER)
  return names[0] if names else ""


def lacks_description(path: Path, tasks_file: Path | None) -> bool:
  """Return whether a user's own folder has no description of its tasks."""
  if tasks_file is not None:
    return False
  described = path / folder_description.FILE_NAME
  is_lacking = folder_description.is_lacking(described)
  return find_layout(path) == _FOLDER and is_lacking
