"""Writes a data set whose missing labels are what teachers predict."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.classes.translation import KNOWN
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.examples import Examples
from jtr_jax.data.records import prepared
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.manifest import TaskOptions
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.experiment.data_mixture import Source
from jtr_jax.experiment.must.teachers import Teacher

KEY = "pseudo_labels"


def write(
  directory: Path,
  source: Source,
  teachers: Sequence[Teacher],
  tasks: Mapping[str, TaskOptions],
  *,
  batch_size: int,
  confidence: float,
) -> Dataset:
  """Write a prepared data set with a label for every image and task.

  A label that may be seen is kept as it is, its gaps included; where it leaves
  several classes open the teacher chooses. One that is hidden or does not exist
  is predicted from the image as it is stored. Images to evaluate on are copied.
  All of it is written, or nothing.

  Args:
    directory: where to write; a finished data set there is left alone.
    source: the images and labels.
    teachers: one for each task.
    tasks: what these tasks are.
    batch_size: images that are predicted together.
    confidence: of the teachers' class ids, for the manifest.

  Returns:
    The data set; its manifest says who labelled it.

  Raises:
    ValueError: the records there are of other teachers.
  """
  about = _about(teachers, confidence)
  if prepared.is_prepared(directory):
    return _checked(prepared.open_dataset(directory), about)
  manifest, section = source.dataset.manifest, source.settings
  splits = {section.train_split: _labelled(source, teachers, batch_size)}
  counts = {section.train_split: source.size}
  if section.eval_split not in ("", section.train_split):
    splits[section.eval_split] = _copied(source, section.eval_split)
    counts[section.eval_split] = manifest.split(section.eval_split).size
  return prepared.write_dataset(
    directory,
    manifest.name,
    tasks=_tasks(source, tasks),
    size=manifest.size,
    splits=splits,
    counts=counts,
    source={**manifest.source, KEY: about},
  )


def _labelled(
  source: Source, teachers: Sequence[Teacher], batch_size: int
) -> Iterator[tuple[str, Arrays]]:
  """Yield the images to train on with all labels."""
  ids = iter(source.ids)
  for batch, real in pipeline.evaluation_batches(source.selection, batch_size):
    predicted = {t.task: t.label(batch) for t in teachers}
    for index in range(real):
      yield next(ids), _row(batch, predicted, index)


def _copied(source: Source, split: str) -> Iterator[tuple[str, Arrays]]:
  """Yield the images of a split with the labels that they have."""
  found = source.dataset.source(split)
  for index, identifier in enumerate(source.dataset.manifest.split(split).ids):
    record = found[index]
    labels = {name: record.get(name) for name in source.forms}
    yield (
      identifier,
      {
        "image": record["image"],
        **{name: source.in_run(name, own) for name, own in labels.items()},
      },
    )


def _row(
  batch: Examples, predicted: Mapping[str, np.ndarray], index: int
) -> Arrays:
  labels = {name: array[index] for name, array in predicted.items()}
  return {"image": np.asarray(batch.image)[index], **labels}


def _tasks(
  source: Source, tasks: Mapping[str, TaskOptions]
) -> dict[str, TaskOptions]:
  """Return the tasks, with the classes that this source knows."""
  found = {name: dict(tasks[name]) for name in source.forms}
  for name, translation in source.translations.items():
    if name in found and not translation.known.all():
      found[name][KNOWN] = np.flatnonzero(translation.known).tolist()
  return found


def _about(teachers: Sequence[Teacher], confidence: float) -> dict[str, Any]:
  return {
    "confidence": confidence,
    "teachers": {
      teacher.task: {
        "workdir": str(teacher.folder),
        "step": teacher.step,
        "fingerprint": teacher.fingerprint,
      }
      for teacher in teachers
    },
  }


def _identity(about: Mapping[str, Any]) -> tuple[float, dict[str, str]]:
  """Return what decides the labels; a teacher may have moved."""
  teachers = about["teachers"].items()
  return about["confidence"], {n: own["fingerprint"] for n, own in teachers}


def _checked(dataset: Dataset, about: Mapping[str, Any]) -> Dataset:
  """Return the data set if just these teachers labelled it."""
  found = dataset.manifest.source.get(KEY)
  if found is None or _identity(found) != _identity(about):
    raise ValueError(
      errors.message(
        f"Other teachers labelled {dataset.directory}",
        found=found or "a data set without pseudo labels",
        expected=about,
        do="Use another workdir, or delete this folder and the student's to "
        "label and train anew.",
      )
    )
  return dataset
