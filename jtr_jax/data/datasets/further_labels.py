"""Labels of further tasks for images that are prepared already.

A network or a person writes them as files, for some of the images:

    labels/tasks.toml
    labels/{train,val}/<task>/<id>.{npy,npz,txt,png,...}

They become tasks of a new prepared data set beside those that there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import (
  folder,
  folder_description,
  folder_numbers,
  resample,
)
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.data.records import prepared
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.dataset import Dataset
from jtr_jax.data.records.stored_form import stored_form

Files = dict[str, dict[str, Path]]
"""Task -> id -> file."""


def add_labels(
  data: Path, labels: Path, out: Path, *, overwrite: bool = False
) -> Dataset:
  """Write a prepared data set with labels of further tasks.

  Args:
    data: a prepared data set; it stays as it is.
    labels: the files, and `tasks.toml` that describes their tasks.
    out: where to write.
    overwrite: whether to replace a prepared data set.

  Returns:
    The new data set.

  Raises:
    ValueError: naming the file, if one is no label, a task there is already, or
      no image is labelled.
  """
  dataset = prepared.open_dataset(data)
  manifest = dataset.manifest
  tasks = folder_description.read_tasks(labels / folder_description.FILE_NAME)
  for name in tasks:
    if name in manifest.tasks:
      raise _error(
        f"{data} has the task {name!r} already",
        f"[{name}] in {labels / folder_description.FILE_NAME}",
        f"another name than {', '.join(manifest.tasks)}",
        "Rename the table and the folders of its labels.",
      )
  files = {
    split: folder.labels_by_id(labels / split, tasks)
    for split in manifest.splits
  }
  for split, found in files.items():
    _check_ids(split, found, manifest.split(split).ids, data)
  for name in tasks:
    if not any(found[name] for found in files.values()):
      raise _error(
        f"Task {name!r} has no label",
        f"no file in {labels}/*/{name}",
        f"one for an image of {data} at least",
        "Put files there that are named as the ids of the images.",
      )
  return prepared.write_dataset(
    out,
    manifest.name,
    tasks={
      **manifest.tasks,
      **{name: task.options for name, task in tasks.items()},
    },
    size=manifest.size,
    splits={
      split: _rows(dataset, split, tasks, found)
      for split, found in files.items()
    },
    counts={name: split.size for name, split in manifest.splits.items()},
    source={**manifest.source, "labels": str(labels)},
    overwrite=overwrite,
  )


def _rows(
  dataset: Dataset, split: str, tasks: Mapping[str, FolderTask], files: Files
) -> Iterator[tuple[str, Arrays]]:
  """Yield what there is, and the further labels."""
  records, size = dataset.source(split), dataset.manifest.size
  for index, identifier in enumerate(dataset.manifest.split(split).ids):
    record = records[index]
    record.pop("id")
    new = {
      name: _label(task, files[name].get(identifier), size)
      for name, task in tasks.items()
    }
    yield identifier, {**record, **new}


def _label(
  task: FolderTask, path: Path | None, size: tuple[int, int]
) -> np.ndarray | None:
  """Return a label in stored form, a map at the size of the images."""
  if path is None:
    return None
  label = folder_numbers.read(task, path)
  shape = stored_form(task.name, task.options, size).shape
  return resample.resize_label(label, size) if shape[:2] == size else label


def _check_ids(
  split: str, files: Files, ids: Sequence[str], data: Path
) -> None:
  """Raise for a label of an image that there is not."""
  known = set(ids)
  for by_id in files.values():
    for identifier in sorted(set(by_id) - known):
      raise _error(
        f"{by_id[identifier]} is of no image",
        f"id {identifier!r}",
        f"an id of split {split!r} of {data}, such as {ids[0]!r}",
        "Rename or delete this file.",
      )


def _error(what: str, found: str, expected: str, do: str) -> ValueError:
  return ValueError(errors.message(what, found=found, expected=expected, do=do))
