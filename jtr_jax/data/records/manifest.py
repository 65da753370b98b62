"""What a prepared data set says about itself: `manifest.json`."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from jtr_jax.core import errors

FILE_NAME = "manifest.json"
FORMAT = "jtr_jax data set"
VERSION = 1

TaskOptions: TypeAlias = dict[str, Any]
"""`kind`, and what describes labels: `classes`, `channels`, `unit`, scales."""

_FLOAT_KINDS = {  # kind: (dtype, channels unless the task says otherwise)
  "depth": ("float32", 1),
  "inverse_depth": ("float32", 1),
  "normals": ("float16", 3),
  "regression": ("float16", 1),
}
_MEANING = ("kind", "classes", "channels")  # what a task's options agree in
KINDS = ("segmentation", *_FLOAT_KINDS)


@dataclasses.dataclass(frozen=True)
class StoredForm:
  """The array form of one task's stored labels.

  Attributes:
    dtype: a signed integer type (class ids) or a float type.
    shape: (H, W) or (H, W, C).
  """

  dtype: np.dtype[Any]
  shape: tuple[int, ...]

  @property
  def is_class_ids(self) -> bool:
    """Whether labels are class ids rather than values."""
    return self.dtype.kind == "i"

  @property
  def none_code(self) -> float:
    """The value that means "no ground truth here"."""
    return -1 if self.is_class_ids else np.nan

  @property
  def nbytes(self) -> int:
    """Bytes of one label in memory."""
    return math.prod(self.shape) * self.dtype.itemsize

  def empty(self) -> np.ndarray:
    """Return a label without any ground truth."""
    return np.full(self.shape, self.none_code, self.dtype)


def stored_form(
  name: str, task: Mapping[str, Any], size: tuple[int, int]
) -> StoredForm:
  """Return how the labels of a task are stored.

  Args:
    name: the task, for error messages.
    task: `kind`; `classes` (their names) for a segmentation; `channels` for a
      regression with more than one.
    size: (H, W).

  Returns:
    int8 or int16 class ids, f32 depth, f16 normals and regression values.

  Raises:
    ValueError: an unknown kind, or a segmentation without classes.
  """
  kind = task.get("kind", "")
  if kind not in KINDS:
    raise errors.unknown_name(f"kind of task {name!r}", kind, KINDS)
  if kind != "segmentation":
    dtype, channels = _FLOAT_KINDS[kind]
    return StoredForm(np.dtype(dtype), (*size, task.get("channels", channels)))
  if not task.get("classes"):
    raise ValueError(
      errors.message(
        f"The segmentation {name!r} has no classes",
        found=repr(task.get("classes")),
        expected="the list of their names",
        do="Give `classes`.",
      )
    )
  small = len(task["classes"]) <= np.iinfo(np.int8).max
  return StoredForm(np.dtype("int8" if small else "int16"), size)


@dataclasses.dataclass(frozen=True)
class Split:
  """The images of one split, in the order of their records.

  Attributes:
    ids: a name for each image.
    labelled: for each task bool[N], this image has a label.
  """

  ids: tuple[str, ...]
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

  def form(self, task: str) -> StoredForm:
    """Return the array form of a task's labels."""
    if task not in self.tasks:
      raise errors.unknown_name(f"task in {self.name}", task, self.tasks)
    return stored_form(task, self.tasks[task], self.size)

  def split(self, name: str) -> Split:
    """Return one split, or say which exist."""
    if name not in self.splits:
      raise errors.unknown_name(f"split of {self.name}", name, self.splits)
    return self.splits[name]


def write_manifest(manifest: Manifest, directory: Path) -> None:
  """Write `manifest.json` into a directory."""
  content = {
    "format": FORMAT,
    "version": VERSION,
    "name": manifest.name,
    "size": list(manifest.size),
    "tasks": manifest.tasks,
    "source": manifest.source,
    "splits": {
      name: {
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
  if found != (FORMAT, VERSION):
    raise _not_a_manifest(path, f"format {found[0]!r}, version {found[1]!r}")
  return Manifest(
    name=content["name"],
    size=(content["size"][0], content["size"][1]),
    tasks=content["tasks"],
    splits={
      name: Split(
        ids=tuple(split["ids"]),
        labelled={
          task: np.array([letter == "1" for letter in column], bool)
          for task, column in split["labelled"].items()
        },
      )
      for name, split in content["splits"].items()
    },
    source=content["source"],
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
        do="Give one of the tasks another name when its data set is prepared.",
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
