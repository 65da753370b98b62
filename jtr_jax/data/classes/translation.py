"""From the class ids of each data set to those of the run."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from absl import logging

from jtr_jax.core import errors
from jtr_jax.data.classes.vocabulary import (
  Meaning,
  SourceClasses,
  TaskClasses,
)
from jtr_jax.data.records.stored_form import StoredForm, TaskOptions

KINDS = ("segmentation", "human_parts", "classification")
"""The kinds of tasks whose labels are class ids."""

KNOWN = "known"
"""Option of a task of a prepared data set: ids of the classes that it knows."""

UNLABELLED = "(unlabelled)"
"""What a pixel without a label is called in the record of a run."""

Set: TypeAlias = tuple[int, ...]
"""Class ids of the run, ascending: those that a label may be."""


@dataclasses.dataclass(frozen=True, eq=False)
class Translation:
  """What the stored ids of one data set are in the run.

  Attributes:
    ids: i32[n + 1], of the ids from 0 to n - 1, and last that of -1.
    known: bool[C], the classes that its images know: it labels them, or cannot
      show them.
  """

  ids: np.ndarray
  known: np.ndarray

  def apply(self, stored: np.ndarray, form: StoredForm) -> np.ndarray:
    """Return a stored label with the ids of the run."""
    return self.ids[stored].astype(form.dtype)


class Own(NamedTuple):
  """A task of one data set.

  Attributes:
    options: of the task, as prepared.
    said: what the vocabulary says of it.
    section: where it says so, "" for a data set without a vocabulary.
    trains: whether the run learns from it.
  """

  options: TaskOptions
  said: SourceClasses
  section: str = ""
  trains: bool = True


class Translated(NamedTuple):
  """A task of the run.

  Attributes:
    options: `kind`, `classes` and `sets` of the run.
    translations: data set -> what its ids become.
    meanings: data set -> label -> the classes that it may be, as text.
  """

  options: TaskOptions
  translations: dict[str, Translation]
  meanings: dict[str, dict[str, str]]


def translate(
  task: str, vocabulary: TaskClasses, sources: Mapping[str, Own]
) -> Translated:
  """Return a task of the run from what several data sets have of it.

  Args:
    task: its name.
    vocabulary: the classes of the run.
    sources: name -> the data sets that have the task, the main one first.

  Raises:
    ValueError: a label without a meaning, a class that nobody labels, another
      kind of task, or a mapping that fits the data set in no other way.
  """
  _check_kinds(task, sources)
  classes = vocabulary.classes
  found = {n: _sets(task, n, own, vocabulary) for n, own in sources.items()}
  _check_every_class(task, vocabulary, sources, found)
  ids = _number([one for own in found.values() for one in own], len(classes))
  sets = [list(one) for one, number in ids.items() if number >= len(classes)]
  loss = vocabulary.class_loss
  first = next(iter(sources.values()))
  options = {n: v for n, v in first.options.items() if n != KNOWN}
  options["classes"] = list(classes)
  options |= {"sets": sets} if sets else {}
  options |= {"class_loss": loss} if loss != "softmax" else {}
  return Translated(
    options,
    {
      name: Translation(
        np.array([ids[one] for one in own], np.int32),
        _known(own, sources[name].said, classes),
      )
      for name, own in found.items()
    },
    {
      name: dict(
        zip(
          (*_own_names(sources[name]), UNLABELLED),
          [_in_words(one, classes) for one in own],
          strict=True,
        )
      )
      for name, own in found.items()
    },
  )


def _number(found: Sequence[Set], count: int) -> dict[Set, int]:
  """Return the id of every set; -1 for one that says nothing."""
  ids: dict[Set, int] = {}
  further = count
  for one in found:
    if one in ids:
      continue
    if len(one) == 1:
      ids[one] = one[0]
    elif len(one) in (0, count):
      ids[one] = -1
    else:
      ids[one] = further
      further += 1
  return ids


def _sets(
  task: str, source: str, own: Own, vocabulary: TaskClasses
) -> list[Set]:
  """Return what each id of a data set may be, and last a missing one."""
  classes, said, names = vocabulary.classes, own.said, _own_names(own)
  where = f"[{task}.{own.section}.labels] of {vocabulary.path}"
  for label in said.labels:
    if label not in names:
      kind = f"class of source {source!r} in {where}"
      raise errors.unknown_name(kind, label, names)
  missing = [n for n in names if n not in said.labels and n not in classes]
  if missing:
    place = where if own.section else f"data.sources.{source}.vocabulary"
    raise ValueError(
      errors.message(
        f"Labels of task {task!r} in source {source!r} have no meaning",
        found=", ".join(missing),
        expected=f"classes of the run: {', '.join(classes)}",
        do=f"Say in {place} what they are: a class, several, [] to ignore "
        'them, or "*".',
      )
    )
  meanings = [said.labels.get(name, (name,)) for name in names]
  meanings.append(said.unlabelled)
  rest = _rest(meanings, said, classes)
  if None in meanings and not rest:
    raise ValueError(
      errors.message(
        f'Nothing is left for "*" in source {source!r}',
        found=f"labels for all of {', '.join(said.shows or classes)}",
        expected=f"a class that no other label of {where} means",
        do="Replace it by [], or leave classes out of the other labels.",
      )
    )
  return [_indices(rest if m is None else m, classes) for m in meanings]


def _own_names(own: Own) -> tuple[str, ...]:
  """Return a data set's own names of its classes, in the order of its ids."""
  return own.said.names or tuple(own.options["classes"])


def _rest(
  meanings: Sequence[Meaning], said: SourceClasses, classes: tuple[str, ...]
) -> tuple[str, ...]:
  """Return the classes that may be seen and that no label means."""
  meant = {name for m in meanings if m is not None for name in m}
  return tuple(
    n for n in classes if n not in meant and n in (said.shows or classes)
  )


def _indices(names: Sequence[str], classes: tuple[str, ...]) -> Set:
  return tuple(sorted({classes.index(name) for name in names}))


def _known(
  sets: Sequence[Set], said: SourceClasses, classes: tuple[str, ...]
) -> np.ndarray:
  """Return bool[C]: labelled or never seen, and in no set with others."""
  known = np.array([n not in (said.shows or classes) for n in classes])
  for one in sets:
    if len(one) == 1:
      known[one[0]] = True
  for one in sets:
    if len(one) > 1:
      known[list(one)] = False
  return known


def _check_kinds(task: str, sources: Mapping[str, Own]) -> None:
  """Raise unless all have class ids of one kind, in as many names."""
  kinds = {name: own.options["kind"] for name, own in sources.items()}
  if len(set(kinds.values())) > 1 or not set(kinds.values()) <= set(KINDS):
    raise ValueError(
      errors.message(
        f"The classes of task {task!r} cannot be translated",
        found=", ".join(f"{kind!r} in {n!r}" for n, kind in kinds.items()),
        expected=f"one kind, of {', '.join(KINDS)}",
        do="Leave the task out of the vocabulary, or of a source.",
      )
    )
  for name, own in sources.items():
    if "sets" in own.options:
      raise ValueError(
        errors.message(
          f"The classes of source {name!r} have been translated before",
          found=f"sets of classes in its task {task!r}",
          expected="a data set as it was prepared",
          do="Use it without a vocabulary.",
        )
      )
    if own.said.names and len(own.said.names) != len(own.options["classes"]):
      raise ValueError(
        errors.message(
          f"The names of the classes do not fit source {name!r}",
          found=f"{len(own.said.names)} names in [{task}.{own.section}]",
          expected=f"{len(own.options['classes'])}, one for each class",
          do="Correct them, or leave `names` out.",
        )
      )


def _check_every_class(
  task: str,
  vocabulary: TaskClasses,
  sources: Mapping[str, Own],
  found: Mapping[str, Sequence[Set]],
) -> None:
  """Raise for a class that no label can be; warn of one always in a set."""
  sets = [one for n, own in found.items() if sources[n].trains for one in own]
  useful = [one for one in sets if len(one) < len(vocabulary.classes)]
  ever = {number for one in useful for number in one}
  alone = {one[0] for one in useful if len(one) == 1}
  names = dict(enumerate(vocabulary.classes))
  never = [name for number, name in names.items() if number not in ever]
  if never:
    raise ValueError(
      errors.message(
        f"No source labels some classes of task {task!r}",
        found=", ".join(never),
        expected="a source to learn each class from",
        do=f"Leave them out of [{task}] classes in {vocabulary.path}, or "
        "correct the labels that mean them.",
      )
    )
  doubtful = [n for number, n in names.items() if number not in alone]
  if doubtful:
    logging.warning(
      "Task %s: every label of %s leaves other classes possible too; nothing "
      "tells them apart.",
      task,
      ", ".join(doubtful),
    )


def _in_words(one: Set, classes: tuple[str, ...]) -> str:
  """Return the classes of a set, such as "chair or table"."""
  if len(one) == len(classes):
    return "any class"
  return " or ".join(classes[number] for number in one) or "ignored"
