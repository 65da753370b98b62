"""Writes a data set whose missing labels are what teachers predict."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data import pipeline, records
from jtr_jax.data.checked_rows import Arrays
from jtr_jax.data.examples import Examples
from jtr_jax.data.records import Dataset
from jtr_jax.data.splits import LabelSplit
from jtr_jax.teachers import Teacher

KEY = "pseudo_labels"


def write(
  directory: Path,
  dataset: Dataset,
  teachers: Sequence[Teacher],
  labels: LabelSplit,
  *,
  train_split: str,
  eval_split: str,
  batch_size: int,
  confidence: float,
) -> Dataset:
  """Write a prepared data set with a label for every image and task.

  A label that may be seen is kept as it is, its gaps included; one that is
  hidden or does not exist is predicted from the image as it is stored. The
  split for evaluation is copied. All of it is written, or nothing.

  Args:
    directory: where to write; a finished data set there is left alone.
    dataset: the images and labels.
    teachers: one for each task.
    labels: which labels of the training split may be seen.
    train_split: name of the split to label.
    eval_split: name of the split to copy.
    batch_size: images that are predicted together.
    confidence: of the teachers' class ids, for the manifest.

  Returns:
    The data set; its manifest says who labelled it.

  Raises:
    ValueError: other teachers have labelled what lies there.
  """
  about = _about(teachers, confidence)
  if records.is_prepared(directory):
    return _checked(records.open_dataset(directory), about)
  names = tuple(teacher.task for teacher in teachers)
  manifest = dataset.manifest
  batches = pipeline.evaluation_batches(
    dataset, train_split, names, batch_size, labels.labelled
  )
  splits = {train_split: _labelled(batches, labels.ids, teachers)}
  if eval_split != train_split:
    splits[eval_split] = _copied(dataset, eval_split, names)
  return records.write_dataset(
    directory,
    manifest.name,
    tasks={name: manifest.tasks[name] for name in names},
    size=manifest.size,
    splits=splits,
    counts={split: manifest.split(split).size for split in splits},
    source={**manifest.source, KEY: about},
  )


def _labelled(
  batches: Iterator[tuple[Examples, int]],
  ids: Sequence[str],
  teachers: Sequence[Teacher],
) -> Iterator[tuple[str, Arrays]]:
  """Yield the images of the training split with all labels."""
  rows = iter(ids)
  for batch, real in batches:
    predicted = {t.task: t.label(batch) for t in teachers}
    for index in range(real):
      yield next(rows), _row(batch, predicted, index)


def _row(
  batch: Examples, predicted: Mapping[str, np.ndarray], index: int
) -> Arrays:
  labels = {
    name: np.asarray(batch.stored[name] if batch.present[name][index] else new)
    for name, new in predicted.items()
  }
  chosen = {name: array[index] for name, array in labels.items()}
  return {"image": np.asarray(batch.image)[index], **chosen}


def _copied(
  dataset: Dataset, split: str, names: Sequence[str]
) -> Iterator[tuple[str, Arrays]]:
  """Yield the images of a split with the labels that they have."""
  source = dataset.source(split)
  for index, identifier in enumerate(dataset.manifest.split(split).ids):
    record = source[index]
    yield identifier, {name: record[name] for name in ("image", *names)}


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
