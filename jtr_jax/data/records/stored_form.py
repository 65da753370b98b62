"""Forms of the arrays in which labels of each kind of task are stored."""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from jtr_jax.core import errors

_NAME = re.compile(r"\w[\w-]*")
_TAKEN = ("id", "image", "total", "gradient", "balancer", "method", "delta_mtl")
_LONGEST = 100  # letters

TaskOptions: TypeAlias = dict[str, Any]
"""`kind`, and what describes labels: `classes`, `channels`, `unit`, scales."""

Size: TypeAlias = tuple[int, int]

IMAGE_LEVEL: Size = (1, 1)
"""The grid of a label that an image has as a whole."""


@dataclasses.dataclass(frozen=True)
class StoredForm:
  """The array form of one task's stored labels.

  Attributes:
    dtype: a signed integer type (whole numbers, -1 for none) or a float type
      (NaN for none).
    shape: [h, w] for class ids, [h, w, C] for everything else; h and w are
      those of the image, or of a coarser grid.
    last: the largest of whole numbers.
  """

  dtype: np.dtype[Any]
  shape: tuple[int, ...]
  last: int = 0

  @property
  def is_whole(self) -> bool:
    """Whether labels are whole numbers."""
    return self.dtype.kind == "i"

  @property
  def is_class_ids(self) -> bool:
    """Whether labels are class ids."""
    return self.is_whole and len(self.shape) == 2

  @property
  def none_code(self) -> float:
    """The value that means "no ground truth here"."""
    return -1 if self.is_whole else np.nan

  @property
  def nbytes(self) -> int:
    """Bytes of one label in memory."""
    return math.prod(self.shape) * self.dtype.itemsize

  def empty(self) -> np.ndarray:
    """Return a label without any ground truth."""
    return np.full(self.shape, self.none_code, self.dtype)


def check_task_name(name: str, place: str) -> None:
  """Raise a `ValueError` for a name that a task cannot have.

  It becomes part of the names of files, metrics and parameters, and of lists on
  command lines.

  Args:
    name: of the task.
    place: where it stands, for the message.
  """
  if _NAME.fullmatch(name) and name not in _TAKEN and len(name) <= _LONGEST:
    return
  found = f"{name!r}, which has a meaning" if name in _TAKEN else repr(name)
  raise ValueError(
    errors.message(
      f"{place} is no name for a task",
      found=found,
      expected=f"letters, digits, _ and -, at most {_LONGEST}, none of "
      + ", ".join(_TAKEN),
      do="Rename it, and the folders of its labels.",
    )
  )


def check_id(identifier: str, place: str) -> None:
  """Raise a `ValueError` for a sample id that a list of ids cannot hold.

  Args:
    identifier: the id, such as the name of a file.
    place: where it comes from, for the message.
  """
  if identifier.strip() and identifier.isprintable():
    return
  raise ValueError(
    errors.message(
      f"{place} is no name for an image",
      found=repr(identifier),
      expected="letters that can be printed, no tab or line break",
      do="Rename the file, and those of its labels.",
    )
  )


def stored_form(name: str, task: Mapping[str, Any], size: Size) -> StoredForm:
  """Return how the labels of a task are stored.

  Args:
    name: the task, for error messages.
    task: `kind` and what that needs: `classes` (their names), `sets` (classes
      of the ids beyond them), `channels`, `grid` (rows and columns of the
      labels), `top` (classes of a distribution that are stored).
    size: (H, W) of the images.

  Returns:
    The form of its kind, see `KINDS`.

  Raises:
    ValueError: an unknown kind, or one that lacks its classes.
  """
  kind = task.get("kind", "")
  if kind not in KINDS:
    raise errors.unknown_name(f"kind of task {name!r}", kind, KINDS)
  return KINDS[kind](name, task, size)


def _ids(name: str, task: Mapping[str, Any], size: Size) -> StoredForm:
  count = _class_count(name, task) + len(task.get("sets", ()))
  types = ("int8", "int16", "int32")
  dtype = next(t for t in types if count <= np.iinfo(t).max)
  return StoredForm(np.dtype(dtype), size, count - 1)


def _class_of_image(name: str, task: Mapping[str, Any], _: Size) -> StoredForm:
  return _ids(name, task, IMAGE_LEVEL)


def _classes_of_image(
  name: str, task: Mapping[str, Any], _: Size
) -> StoredForm:
  shape = (*IMAGE_LEVEL, _class_count(name, task))
  return StoredForm(np.dtype("int8"), shape, 1)


def _yes_or_no(_: str, __: Mapping[str, Any], size: Size) -> StoredForm:
  return StoredForm(np.dtype("int8"), (*size, 1), 1)


def _numbers(
  dtype: str, channels: int, *, of_image: bool = False
) -> Callable[[str, Mapping[str, Any], Size], StoredForm]:
  """Return the form of floats; the task may give other `channels`."""

  def form(_: str, task: Mapping[str, Any], size: Size) -> StoredForm:
    grid = IMAGE_LEVEL if of_image else size
    shape = (*grid, task.get("channels", channels))
    return StoredForm(np.dtype(dtype), shape)

  return form


def _distribution(name: str, task: Mapping[str, Any], size: Size) -> StoredForm:
  """Return the form of probabilities of all classes, or of the likeliest."""
  classes, top = _class_count(name, task), task.get("top", 0)
  rows, columns = task.get("grid", size)
  if top:
    return StoredForm(np.dtype("float32"), (rows, columns, 2 * top))
  return StoredForm(np.dtype("float16"), (rows, columns, classes))


def _class_count(name: str, task: Mapping[str, Any]) -> int:
  if not task.get("classes"):
    raise ValueError(
      errors.message(
        f"The task {name!r} ({task['kind']}) has no classes",
        found=repr(task.get("classes")),
        expected="the list of their names",
        do="Give `classes`.",
      )
    )
  return len(task["classes"])


KINDS: Mapping[str, Callable[[str, Mapping[str, Any], Size], StoredForm]] = {
  "segmentation": _ids,
  "human_parts": _ids,
  "depth": _numbers("float32", 1),
  "inverse_depth": _numbers("float32", 1),
  "normals": _numbers("float16", 3),
  "regression": _numbers("float16", 1),
  "saliency": _yes_or_no,
  "edges": _yes_or_no,
  "classification": _class_of_image,
  "multilabel": _classes_of_image,
  "scalar": _numbers("float32", 1, of_image=True),
  "soft_labels": _distribution,
}
"""Kind of task -> (name, options, size of the images) -> form."""
