"""The classes of every source of a run, as their vocabularies say."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from jtr_jax.config import config_files
from jtr_jax.config.settings import FurtherSource, SourceSettings
from jtr_jax.core import errors
from jtr_jax.data.classes import vocabulary
from jtr_jax.data.classes.translation import (
  KNOWN,
  Own,
  Translated,
  Translation,
  translate,
)
from jtr_jax.data.classes.vocabulary import SourceClasses, TaskClasses
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.workdir import text_files

FILE_NAME = "classes.json"

Meanings: TypeAlias = dict[str, dict[str, dict[str, str]]]
"""Task -> source -> label -> the classes of the run that it may be."""


class SourceClassesOfRun(NamedTuple):
  """What the labels of all sources mean in a run.

  Attributes:
    manifests: source -> its manifest, with the classes of the run.
    translations: source -> task -> what its ids become.
    meanings: the same in words; empty without vocabularies.
  """

  manifests: dict[str, Manifest]
  translations: dict[str, dict[str, Translation]]
  meanings: Meanings


def of_sources(
  settings: Mapping[str, SourceSettings], manifests: Mapping[str, Manifest]
) -> SourceClassesOfRun:
  """Return what the labels of all sources mean.

  Args:
    settings: source -> its section, the main data first.
    manifests: source -> its manifest, with the tasks that are taken from it.

  Raises:
    ValueError: a vocabulary that does not fit the data, see `translate`.
  """
  said = {name: _read(name, own) for name, own in settings.items()}
  tasks = _tasks_of_run([found for found, _ in said.values()])
  new = {name: dict(manifest.tasks) for name, manifest in manifests.items()}
  changes = {name: _already_known(m) for name, m in manifests.items()}
  meanings: Meanings = {}
  for task, classes in tasks.items():
    owners = {
      name: _own(task, manifests[name].tasks[task], *said[name], settings[name])
      for name in settings
      if task in manifests[name].tasks
    }
    if not owners:
      continue
    found: Translated = translate(task, classes, owners)
    meanings[task] = found.meanings
    for name, translation in found.translations.items():
      new[name][task] = found.options
      changes[name][task] = translation
  return SourceClassesOfRun(
    {n: dataclasses.replace(m, tasks=new[n]) for n, m in manifests.items()},
    changes,
    meanings,
  )


def check_record(folder: Path, meanings: Meanings) -> None:
  """Raise if a workdir was begun when labels meant something else.

  Raises:
    ValueError: naming the file that says so.
  """
  path = folder / FILE_NAME
  if path.is_file() and json.loads(path.read_text("utf-8")) != meanings:
    raise ValueError(
      errors.message(
        "The vocabulary has changed since this run began",
        found=f"other meanings than in {path}",
        expected="the same",
        do="Undo the change, or use another workdir.",
      )
    )


def write_record(folder: Path, meanings: Meanings) -> None:
  """Write what every label means as classes.json, if anything was said."""
  if meanings:
    text = json.dumps(meanings, indent=1, ensure_ascii=False)
    text_files.replace(folder / FILE_NAME, text + "\n")


def _read(
  source: str, settings: SourceSettings
) -> tuple[vocabulary.Vocabulary, str]:
  """Return the vocabulary of a source and its section, both may be empty."""
  if not settings.vocabulary:
    return {}, ""
  file, _, section = settings.vocabulary.rpartition(":")
  if not file or not section:
    raise ValueError(
      errors.message(
        f"The vocabulary of source {source!r} names no section",
        found=repr(settings.vocabulary),
        expected="FILE:SECTION",
        do="Add the name of the table that is about this data set.",
      )
    )
  found = vocabulary.read(Path(config_files.find(file)))
  sections = {name for task in found.values() for name in task.sources}
  if section not in sections:
    raise errors.unknown_name(f"section of {file}", section, sections)
  return found, section


def _tasks_of_run(found: list[vocabulary.Vocabulary]) -> dict[str, TaskClasses]:
  """Return the tasks of all vocabularies, which must agree in the classes."""
  tasks: dict[str, TaskClasses] = {}
  for one in found:
    for task, classes in one.items():
      first = tasks.setdefault(task, classes)
      same = (first.classes, first.class_loss)
      if same != (classes.classes, classes.class_loss):
        raise ValueError(
          errors.message(
            f"Two vocabularies give task {task!r} other classes",
            found=f"{first.path} and {classes.path}",
            expected="the same classes and class_loss",
            do="Use one file for all sources, with a section for each.",
          )
        )
  return tasks


def _own(
  task: str,
  options: dict[str, Any],
  found: vocabulary.Vocabulary,
  section: str,
  settings: SourceSettings,
) -> Own:
  """Return a source's own task; without a section its names are the run's."""
  nothing = SourceClasses()
  said = found[task].sources.get(section, nothing) if task in found else nothing
  trains = not isinstance(settings, FurtherSource) or settings.per_batch > 0
  return Own(options, said, "" if said is nothing else section, trains)


def _already_known(manifest: Manifest) -> dict[str, Translation]:
  """Return what a data set of translated labels knows of its classes."""
  found = {}
  for task, options in manifest.tasks.items():
    if KNOWN in options:
      count = len(options["classes"])
      ids = np.append(np.arange(count + len(options.get("sets", ()))), -1)
      known = np.isin(np.arange(count), options[KNOWN])
      found[task] = Translation(ids.astype(np.int32), known)
  return found
