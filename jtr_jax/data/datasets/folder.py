"""A user's own data: a folder with images and label files.

    root/tasks.toml
    root/{train,val}/image/<id>.{png,jpg,jpeg,npy,tif}
    root/{train,val}/<task>/<id>.{png,jpg,jpeg,npy,tif}

A missing label file means: this image has no label for this task.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from absl import logging

from jtr_jax.core import errors
from jtr_jax.data.datasets import (
  folder_description,
  folder_proposal,
  image_files,
  resample,
)
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.data.records.checked_rows import Arrays

SPLITS = ("train", "val")
IMAGE = "image"

Size: TypeAlias = tuple[int, int]
OnProblem: TypeAlias = Callable[[ValueError], None]


@dataclasses.dataclass(frozen=True)
class Row:
  """The files of one image.

  Attributes:
    id: stem of the file names.
    image: the image file.
    labels: for each task that labels the image, the label file.
  """

  id: str
  image: Path
  labels: dict[str, Path]


@dataclasses.dataclass(frozen=True)
class Folder:
  """A folder data set whose files were listed, not yet read.

  Attributes:
    root: the folder.
    tasks: how to read the labels.
    splits: for each split its images, sorted by id.
    fingerprint: changes when any file or the description does.
  """

  root: Path
  tasks: dict[str, FolderTask]
  splits: dict[str, tuple[Row, ...]]
  fingerprint: str


def raise_error(error: ValueError) -> None:
  """Raise the error: what `scan` does about a file out of place."""
  raise error


def scan(
  root: Path,
  tasks_file: Path | None = None,
  on_problem: OnProblem = raise_error,
) -> Folder:
  """List the files of a folder data set.

  Args:
    root: the folder.
    tasks_file: the description of the tasks, if not `root/tasks.toml`.
    on_problem: what to do about a file out of place.

  Returns:
    The folder; no image or label is read.

  Raises:
    ValueError: a split or the description is missing, a label has no image, an
      id has two files, or a task has no training label.
  """
  for split in SPLITS:
    if not (root / split / IMAGE).is_dir():
      raise _bad_layout(f"no {root / split / IMAGE}", "one in each split")
  path = tasks_file or root / folder_description.FILE_NAME
  if not path.is_file():
    raise ValueError(
      errors.message(
        f"{path} is missing",
        found="label folders " + ", ".join(label_folders(root)),
        expected="a description of each task",
        do="This was guessed from the files; check it, units above all, and "
        f"save it as {path}:\n\n{propose(root)}",
      )
    )
  tasks = folder_description.read_tasks(path)
  splits = {
    split: _rows(root / split, tuple(tasks), on_problem) for split in SPLITS
  }
  for name in tasks:
    if not any(name in row.labels for row in splits["train"]):
      found = f"no file in {root / 'train' / name}"
      on_problem(_bad_layout(found, f"training labels for task {name!r}"))
  for name in sorted(set(label_folders(root)) - set(tasks)):
    logging.warning("%s/*/%s is not in %s: ignored", root, name, path)
  return Folder(root, tasks, splits, _fingerprint(splits, path))


def label_folders(root: Path) -> dict[str, list[Path]]:
  """Return the label files of the training split by task, image aside."""
  folders = sorted(p for p in (root / "train").iterdir() if p.is_dir())
  found = {p.name: _data_files(p) for p in folders if p.name != IMAGE}
  return {name: paths for name, paths in found.items() if paths}


def propose(root: Path) -> str:
  """Return a proposal for the missing `tasks.toml` of a folder."""
  return folder_proposal.propose_tasks(root, label_folders(root))


def common_size(folder: Folder) -> Size:
  """Return the (H, W) that all images share.

  Raises:
    ValueError: naming two files of different size.
  """
  paths = [row.image for rows in folder.splits.values() for row in rows]
  first = image_files.file_size(paths[0])
  for path in paths[1:]:
    size = image_files.file_size(path)
    if size != first:
      raise ValueError(
        errors.message(
          "The images have different sizes",
          found=f"{paths[0]} {_times(first)}, {path} {_times(size)}",
          expected="one size, or to be told which to resize to",
          do=f"Give the size, such as --size={_times(first)}.",
        )
      )
  return first


def examples(
  folder: Folder, split: str, size: Size
) -> Iterator[tuple[str, Arrays]]:
  """Yield (id, arrays in stored form) of one split.

  Args:
    folder: from `scan`.
    split: "train" or "val".
    size: (H, W) to resize to: images with an antialiased bilinear filter,
      labels to the nearest pixel.

  Yields:
    `image` u8[H, W, 3] and for each task the stored label or None.

  Raises:
    ValueError: naming the file that cannot be used.
  """
  for row in folder.splits[split]:
    image = image_files.read_image(row.image)
    arrays: dict[str, np.ndarray | None] = {
      IMAGE: resample.resize_image(image, size)
    }
    for name, task in folder.tasks.items():
      label = read_label(task, row, image.shape[:2])
      arrays[name] = None if label is None else _resized_label(label, size)
    yield row.id, arrays


def read_label(
  task: FolderTask, row: Row, image_size: tuple[int, ...]
) -> np.ndarray | None:
  """Return one label in stored form at its own size, or None.

  Raises:
    ValueError: naming the file, if it cannot be used.
  """
  path = row.labels.get(task.name)
  if path is None:
    return None
  stored = image_files.read_label(path)
  if stored.shape[:2] != image_size:
    raise ValueError(
      errors.message(
        f"{path} has another size than its image",
        found=_times(stored.shape),
        expected=f"{_times(image_size)} as {row.image}",
        do="Make the label again from this image, or delete it.",
      )
    )
  return task.decode(stored, path)


def _rows(
  directory: Path, tasks: tuple[str, ...], on_problem: OnProblem
) -> tuple[Row, ...]:
  images = _by_id(directory / IMAGE, on_problem)
  if not images:
    raise _bad_layout(f"no image in {directory / IMAGE}", "at least one")
  labels = {task: _by_id(directory / task, on_problem) for task in tasks}
  for files_of_task in labels.values():
    for identifier in sorted(set(files_of_task) - set(images)):
      path = files_of_task[identifier]
      wanted = directory / IMAGE / identifier
      on_problem(_bad_layout(f"{path} without an image", f"{wanted}.*"))
  return tuple(
    Row(
      identifier,
      images[identifier],
      {
        task: by_id[identifier]
        for task, by_id in labels.items()
        if identifier in by_id
      },
    )
    for identifier in sorted(images)
  )


def _by_id(directory: Path, on_problem: OnProblem) -> dict[str, Path]:
  found: dict[str, Path] = {}
  for path in _data_files(directory):
    if path.stem in found:
      both = f"{found[path.stem]} and {path}"
      on_problem(_bad_layout(both, "one file for each id"))
    found[path.stem] = path
  return found


def _data_files(directory: Path) -> list[Path]:
  if not directory.is_dir():
    return []
  return sorted(
    p
    for p in directory.iterdir()
    if p.suffix.lower() in image_files.SUFFIXES and not p.name.startswith(".")
  )


def _fingerprint(splits: dict[str, tuple[Row, ...]], tasks_file: Path) -> str:
  digest = hashlib.sha256(tasks_file.read_bytes())
  for split, rows in splits.items():
    for row in rows:
      for path in (row.image, *row.labels.values()):
        state = path.stat()
        entry = (split, path.parent.name, path.name, state.st_size)
        digest.update(repr((*entry, state.st_mtime_ns)).encode())
  return digest.hexdigest()[:16]


def _resized_label(label: np.ndarray, size: Size) -> np.ndarray:
  if label.shape[:2] == size:
    return label
  rows = resample.nearest(label.shape[0], size[0])
  columns = resample.nearest(label.shape[1], size[1])
  return label[rows[:, None], columns]


def _times(size: tuple[int, ...]) -> str:
  return f"{size[0]}x{size[1]}"


def _bad_layout(found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      "The folder is not laid out as expected",
      found=found,
      expected=expected,
      do="Layout: ROOT/{train,val}/{image,<task>}/<id>.{png,jpg,jpeg,npy,tif}; "
      "a missing label file means that the image has no such label.",
    )
  )
