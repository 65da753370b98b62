"""The manifest of a prepared data set, `manifest.json`."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.records import mapped_ids
from jtr_jax.data.records.stored_form import (
  StoredForm,
  TaskOptions,
  stored_form,
)

FILE_NAME = "manifest.json"
FORMAT = "jtr_jax data set"
VERSION = 1
VERSION_OF_MANY = 2
"""With ids and presence of labels in files of their own."""

_MEANING = (
  "kind",
  "classes",
  "sets",
  "channels",
)  # what a task's options agree in


@dataclasses.dataclass(frozen=True)
class Split:
  """The images of one split, in the order of their records.

  Attributes:
    ids: a name for each image.
    labelled: for each task bool[N], this image has a label.
  """

  ids: Sequence[str]
  labelled: dict[str, np.ndarray]

  @property
  def size(self) -> int:
    """Number of images."""
    return len(self.ids)


@dataclasses.dataclass(frozen=True)
class Manifest:
  """The description of a prepared data set.

  Attributes:
    name: which data set, such as "rooms" or "folder".
    size: (H, W) of every image and label.
    tasks: for each task `kind` and options.
    splits: for each split ids and which labels exist.
    source: what it was made from, and with which options.
  """

  name: str
  size: tuple[int, int]
  tasks: dict[str, TaskOptions]
  splits: dict[str, Split]
  source: dict[str, Any]

  @property
  def fit(self) -> str:
    """How images of another size were brought to that of the records."""
    return str(self.source.get("options", {}).get("fit", "stretch"))

  @property
  def digest(self) -> str:
    """Hexadecimal digest of the images' ids and of which labels exist."""
    found = hashlib.sha256(f"{self.name} {self.size}".encode())
    for name, split in sorted(self.splits.items()):
      found.update("\0".join((name, *split.ids)).encode())
      for task, column in sorted(split.labelled.items()):
        found.update(task.encode() + np.packbits(column).tobytes())
    return found.hexdigest()

  def form(self, task: str) -> StoredForm:
    """Return the array form of a task's labels."""
    if task not in self.tasks:
      raise errors.unknown_name(f"task in {self.name}", task, self.tasks)
    return stored_form(task, self.tasks[task], self.size)

  def split(self, name: str) -> Split:
    """Return one split; an unknown name is an error."""
    if name not in self.splits:
      raise errors.unknown_name(f"split of {self.name}", name, self.splits)
    return self.splits[name]


def write_manifest(manifest: Manifest, directory: Path) -> None:
  """Write `manifest.json` into a directory, and files of splits with many."""
  is_large = any(s.size >= mapped_ids.MANY for s in manifest.splits.values())
  content = {
    "format": FORMAT,
    "version": VERSION_OF_MANY if is_large else VERSION,
    "name": manifest.name,
    "size": list(manifest.size),
    "tasks": manifest.tasks,
    "source": manifest.source,
    "splits": {
      name: _write_many(name, split, directory)
      if split.size >= mapped_ids.MANY
      else {
        "ids": list(split.ids),
        "labelled": {
          task: "".join("1" if is_labelled else "0" for is_labelled in column)
          for task, column in split.labelled.items()
        },
      }
      for name, split in manifest.splits.items()
    },
  }
  text = json.dumps(content, indent=1, ensure_ascii=False)
  (directory / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _write_many(name: str, split: Split, directory: Path) -> dict[str, Any]:
  """Write the files of a split, and return what names them."""
  ids, bits = f"ids-{name}.npy", f"labelled-{name}.npy"
  mapped_ids.write(directory / ids, split.ids)
  columns = np.array(list(split.labelled.values()), np.bool_)
  np.save(directory / bits, np.packbits(columns, axis=-1))
  return {"ids": ids, "labelled": bits, "tasks": list(split.labelled)}


def _read_split(directory: Path, content: dict[str, Any]) -> Split:
  if isinstance(content["ids"], str):
    ids = mapped_ids.MappedIds(directory / content["ids"])
    bits = np.load(directory / content["labelled"], allow_pickle=False)
    columns = np.unpackbits(bits, axis=-1, count=len(ids)).astype(np.bool_)
    return Split(ids, dict(zip(content["tasks"], columns, strict=True)))
  return Split(
    ids=tuple(content["ids"]),
    labelled={
      task: np.array([letter == "1" for letter in column], bool)
      for task, column in content["labelled"].items()
    },
  )


def read_manifest(directory: Path) -> Manifest:
  """Read `manifest.json` from a directory.

  Raises:
    ValueError: it cannot be parsed, or another version wrote it.
  """
  path = directory / FILE_NAME
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
    found = (content["format"], content["version"])
  except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as e:
    raise _not_a_manifest(path, f"{type(e).__name__}: {e}") from e
  if found not in ((FORMAT, VERSION), (FORMAT, VERSION_OF_MANY)):
    raise _not_a_manifest(path, f"format {found[0]!r}, version {found[1]!r}")
  try:
    return _from_content(content, directory)
  except (OSError, KeyError, TypeError, ValueError, AttributeError) as e:
    raise _not_a_manifest(path, f"{type(e).__name__}: {e}") from e


def _from_content(content: Mapping[str, Any], directory: Path) -> Manifest:
  """Return the manifest that a file holds."""
  height, width = map(int, content["size"])
  return Manifest(
    name=str(content["name"]),
    size=(height, width),
    tasks={name: dict(task) for name, task in content["tasks"].items()},
    splits={
      name: _read_split(directory, split)
      for name, split in content["splits"].items()
    },
    source=dict(content["source"]),
  )


def check_same_task(task: str, found: Mapping[str, Mapping[str, Any]]) -> None:
  """Raise if two data sets mean different things by the name of a task.

  Args:
    task: the task.
    found: name of a data set -> its options of the task, two of them.

  Raises:
    ValueError: another kind, other classes, channels or unit.
  """
  (first, a), (second, b) = found.items()
  differing = [key for key in _MEANING if a.get(key) != b.get(key)]
  if a.get("unit", b.get("unit")) != b.get("unit", a.get("unit")):
    differing.append("unit")
  if differing:
    shown = "; ".join(
      f"{key} {a.get(key)!r} in {first!r} and {b.get(key)!r} in {second!r}"
      for key in differing
    )
    raise ValueError(
      errors.message(
        f"Two sources mean different things by task {task!r}",
        found=shown,
        expected="the same kind, classes, channels and unit",
        do="Give one of the tasks another name when its data set is prepared, "
        "or say with data.vocabulary what the classes of each mean.",
      )
    )


def _not_a_manifest(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is no manifest that this version can read",
      found=found,
      expected=f"format {FORMAT!r}, version {VERSION}",
      do="Prepare the data set again.",
    )
  )
