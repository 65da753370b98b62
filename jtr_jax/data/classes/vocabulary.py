"""The file that says what the labels of each data set mean in a run.

    [segmentation]
    classes = ["wall", "floor", "chair", "table"]   # of the run, in order

    [segmentation.indoor.labels]      # --config.data.vocabulary=FILE:indoor
    armchair = "chair"                # one class; several labels may have it
    seat = ["chair", "table"]         # one of these
    person = []                       # no class of the run: ignored
    background = "*"                  # any class that no other label means

A label that is not mentioned means the class of its own name.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_args

from jtr_jax.core import errors
from jtr_jax.tasks.class_sets import ClassLoss

REST = "*"
"""Every class that may be seen and that no other label means."""

Meaning: TypeAlias = tuple[str, ...] | None
"""The classes that a label may be, () for none of them; None is `REST`."""

_OF_A_TASK = ("classes", "class_loss")
_OF_A_SOURCE = ("labels", "names", "shows", "unlabelled")


@dataclasses.dataclass(frozen=True)
class SourceClasses:
  """What one data set's labels of a task mean.

  Attributes:
    labels: label -> its meaning.
    names: the data set's own names in the order of its ids, () for those that
      it was prepared with.
    shows: the classes of the run that its images can show; None for all.
    unlabelled: what a pixel without a label is.
  """

  labels: Mapping[str, Meaning] = dataclasses.field(default_factory=dict)
  names: tuple[str, ...] = ()
  shows: tuple[str, ...] | None = None
  unlabelled: Meaning = ()


@dataclasses.dataclass(frozen=True)
class TaskClasses:
  """The classes of a task of the run, and the data sets that label them.

  Attributes:
    path: the file, for error messages.
    classes: names, in the order of their ids.
    class_loss: of `Segmentation`.
    sources: section -> what is said of a data set.
  """

  path: Path
  classes: tuple[str, ...]
  class_loss: ClassLoss = "softmax"
  sources: Mapping[str, SourceClasses] = dataclasses.field(default_factory=dict)


Vocabulary: TypeAlias = dict[str, TaskClasses]
"""Task -> its classes."""


def read(path: Path) -> Vocabulary:
  """Read a vocabulary file.

  Args:
    path: the file.

  Returns:
    The tasks, in the order of the file.

  Raises:
    ValueError: naming the file, the task and the field.
  """
  try:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
  except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
    raise _error(path, str(e), "a TOML file with a table for each task") from e
  if not tables:
    raise _error(path, "no task", "a table such as [segmentation]")
  return {name: _task(path, name, table) for name, table in tables.items()}


def _task(path: Path, task: str, table: Any) -> TaskClasses:
  """Return what the table of a task says."""
  if not isinstance(table, dict):
    raise _error(path, f"{task} = {table!r}", f"a table [{task}]")
  where = f"{task}.classes"
  classes = _names(path, where, table.get("classes"))
  if len(classes) < 2 or len(set(classes)) < len(classes):
    expected = "the names of two classes or more, each once"
    raise _error(path, f"{where} = {list(classes)}", expected)
  loss = table.get("class_loss", "softmax")
  if loss not in get_args(ClassLoss):
    kind = f"class_loss of [{task}] in {path}"
    raise errors.unknown_name(kind, str(loss), get_args(ClassLoss))
  return TaskClasses(
    path=path,
    classes=classes,
    class_loss=loss,
    sources={
      name: _source(path, f"{task}.{name}", own, classes)
      for name, own in table.items()
      if name not in _OF_A_TASK
    },
  )


def _source(
  path: Path, where: str, table: Any, classes: tuple[str, ...]
) -> SourceClasses:
  """Return what the table of a data set says."""
  if not isinstance(table, dict):
    raise _error(path, f"{where} = {table!r}", f"a table [{where}]")
  for field in table:
    if field not in _OF_A_SOURCE:
      kind = f"field of [{where}] in {path}"
      raise errors.unknown_name(kind, field, _OF_A_SOURCE)
  labels = table.get("labels", {})
  if not isinstance(labels, dict):
    found = f"{where}.labels = {labels!r}"
    raise _error(path, found, f"a table [{where}.labels]")
  shows = table.get("shows")
  return SourceClasses(
    labels={
      label: _meaning(path, f"{where}.labels.{label}", meaning, classes)
      for label, meaning in labels.items()
    },
    names=_names(path, f"{where}.names", table.get("names", [])),
    shows=None
    if shows is None
    else _known(path, f"{where}.shows", shows, classes),
    unlabelled=_meaning(
      path, f"{where}.unlabelled", table.get("unlabelled", []), classes
    ),
  )


def _meaning(
  path: Path, where: str, given: Any, classes: tuple[str, ...]
) -> Meaning:
  """Return the classes that a label may be."""
  if given == REST:
    return None
  return _known(
    path, where, [given] if isinstance(given, str) else given, classes
  )


def _known(
  path: Path, where: str, given: Any, classes: tuple[str, ...]
) -> tuple[str, ...]:
  """Return names of classes of the run."""
  names = _names(path, where, given)
  for name in names:
    if name not in classes:
      kind = f"class of the run in {where} of {path}"
      raise errors.unknown_name(kind, name, classes)
  return names


def _names(path: Path, where: str, given: Any) -> tuple[str, ...]:
  if isinstance(given, list) and all(isinstance(n, str) for n in given):
    return tuple(given)
  raise _error(path, f"{where} = {given!r}", "a list of names")


def _error(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} does not say what labels mean",
      found=found,
      expected=expected,
      do="Correct it; docs/vocabularies.md has examples.",
    )
  )
