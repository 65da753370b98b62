"""A user's own data: a folder with images and label files.

    root/tasks.toml
    root/{train,val}/image/<id>.{png,jpg,jpeg,npy,tif}
    root/{train,val}/<task>/<id>.{png,jpg,jpeg,npy,tif,npz,txt}

A missing label file means: this image has no label for this task.
"""

import functools
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.data.datasets import (
  folder_description,
  folder_listing,
  folder_numbers,
  folder_proposal,
  image_files,
)
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.data.datasets.raw import (
  IMAGE,
  OnProblem,
  RawDataset,
  RawTask,
  Row,
  raise_error,
)
from jtr_jax.data.records import stored_form

SPLITS = ("train", "val")
_LOSSY = (".jpg", ".jpeg")

_LABEL_SUFFIXES = (*image_files.SUFFIXES, *folder_numbers.SUFFIXES)


def is_here(root: Path) -> bool:
  """Return whether a folder of images and labels exists at a path."""
  return (root / "train" / IMAGE).is_dir()


def scan(
  root: Path,
  *,
  tasks: str | os.PathLike[str] | None = None,
  on_problem: OnProblem = raise_error,
) -> RawDataset:
  """List the files of a folder data set.

  Args:
    root: the folder.
    tasks: the description of the tasks, if not `root/tasks.toml`.
    on_problem: what to do about a file out of place.

  Returns:
    The data set, for each split the images sorted by id; no image or label is
    read.

  Raises:
    ValueError: a split or the description is missing, a label has no image, an
      id has two files, or a task has no training label.
  """
  _require_layout(root)
  path = Path(tasks) if tasks else root / folder_description.FILE_NAME
  if folder_description.is_lacking(path):
    raise _not_described(root, path)
  described = folder_description.read_tasks(path)
  splits = {
    split: _rows(root / split, tuple(described), on_problem) for split in SPLITS
  }
  for name in described:
    if not any(name in row.labels for row in splits["train"]):
      found = f"no file in {root / 'train' / name}"
      on_problem(_bad_layout(found, f"training labels for task {name!r}"))
  doubts = _doubts_of_names(root, path, described)
  doubts += _jpeg_doubts(described, splits, on_problem)
  return RawDataset(
    name="folder",
    tasks={
      name: RawTask(task.options, functools.partial(folder_numbers.read, task))
      for name, task in described.items()
    },
    splits=splits,
    fingerprint=_fingerprint(splits, path),
    doubts=tuple(doubts),
  )


def label_folders(root: Path) -> dict[str, list[Path]]:
  """Return the label files of the training split by task, image aside."""
  folders = sorted(p for p in (root / "train").iterdir() if p.is_dir())
  found = {
    p.name: folder_listing.data_files(p) for p in folders if p.name != IMAGE
  }
  return {name: paths for name, paths in found.items() if paths}


def _require_layout(root: Path) -> None:
  """Raise a `ValueError` unless both splits have a folder of images."""
  if not root.is_dir():
    found = "a file" if root.exists() else "nothing"
    raise _no_folder(root, found)
  for split in SPLITS:
    if not (root / split / IMAGE).is_dir():
      raise _bad_layout(f"no {root / split / IMAGE}", "one in each split")


def _doubts_of_names(
  root: Path, description: Path, tasks: Iterable[str]
) -> list[str]:
  """Return which folders and files are left alone, a line for each reason."""
  strange = sorted(set(label_folders(root)) - set(tasks))
  labels = [root / split / name for split in SPLITS for name in tasks]
  return [
    f"{root}/*/{name} is not in {description}: its files are ignored"
    for name in strange
  ] + [
    *folder_listing.doubts([root / split / IMAGE for split in SPLITS]),
    *folder_listing.doubts(labels, _LABEL_SUFFIXES),
  ]


def _jpeg_doubts(
  tasks: Mapping[str, FolderTask],
  splits: Mapping[str, Sequence[Row]],
  on_problem: OnProblem,
) -> list[str]:
  """Refuse ids that JPEG has changed, and doubt other labels of that kind."""
  found = []
  for name, task in tasks.items():
    files = [
      row.labels[name]
      for rows in splits.values()
      for row in rows
      if name in row.labels and row.labels[name].suffix.lower() in _LOSSY
    ]
    if not files:
      continue
    shown = folder_listing.some(files)
    if task.kind != "segmentation":
      found.append(
        f"labels of {name!r} are JPEG, which changes numbers: {shown}"
      )
      continue
    on_problem(
      ValueError(
        errors.message(
          f"Class ids of {name!r} cannot be JPEG, which changes them",
          found=shown,
          expected="png, npy or tif",
          do="Write the labels again in one of these formats.",
        )
      )
    )
  return found


def propose(root: Path) -> str:
  """Return a proposal for the missing `tasks.toml` of a folder."""
  return folder_proposal.propose_tasks(root, label_folders(root))


def _rows(
  directory: Path, tasks: tuple[str, ...], on_problem: OnProblem
) -> tuple[Row, ...]:
  images = _by_id(directory / IMAGE, on_problem)
  for identifier, path in images.items():
    stored_form.check_id(identifier, str(path))
  if not images:
    raise _bad_layout(f"no image in {directory / IMAGE}", "at least one")
  labels = labels_by_id(directory, tasks, on_problem)
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


def labels_by_id(
  directory: Path, tasks: Iterable[str], on_problem: OnProblem = raise_error
) -> dict[str, dict[str, Path]]:
  """Return the label files below a folder, by task and id.

  Args:
    directory: with a folder for each task.
    tasks: their names.
    on_problem: what to do about an id with two files.
  """
  return {
    task: _by_id(directory / task, on_problem, _LABEL_SUFFIXES)
    for task in tasks
  }


def _by_id(
  directory: Path,
  on_problem: OnProblem,
  suffixes: tuple[str, ...] = image_files.SUFFIXES,
) -> dict[str, Path]:
  found: dict[str, Path] = {}
  for path in folder_listing.data_files(directory, suffixes):
    if path.stem in found:
      both = f"{found[path.stem]} and {path}"
      on_problem(_bad_layout(both, "one file for each id"))
    found[path.stem] = path
  return found


def _fingerprint(splits: dict[str, tuple[Row, ...]], tasks_file: Path) -> str:
  digest = hashlib.sha256(tasks_file.read_bytes())
  for split, rows in splits.items():
    for row in rows:
      for path in (row.image, *row.labels.values()):
        state = path.stat()
        entry = (split, path.parent.name, path.name, state.st_size)
        digest.update(repr((*entry, state.st_mtime_ns)).encode())
  return digest.hexdigest()[:16]


def _not_described(root: Path, path: Path) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is missing or empty",
      found="label folders " + ", ".join(label_folders(root)),
      expected="a description of each task",
      do="This was guessed from the files; check it, units above all, and "
      f"save it as {path}:\n\n{propose(root)}",
    )
  )


def _no_folder(root: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"There is no folder {root}",
      found=found,
      expected="a folder with train/image and val/image",
      do="Correct the path.",
    )
  )


def _bad_layout(found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      "The folder is not laid out as expected",
      found=found,
      expected=expected,
      do="Layout: ROOT/{train,val}/{image,<task>}/<id>.{png,jpg,jpeg,npy,tif}, "
      "labels also .npz and .txt; a missing label file means that the image "
      "has no such label.",
    )
  )
