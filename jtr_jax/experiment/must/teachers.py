"""Finished runs whose networks label images for a student."""

import dataclasses
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import logging

from jtr_jax.config import saved
from jtr_jax.core import errors, places
from jtr_jax.data.label_splits import text_file
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.loading.examples import (
  Examples,
  to_images,
  to_labels,
  to_stored,
)
from jtr_jax.experiment import run, setup
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.train.state import TrainState
from jtr_jax.workdir import result_card
from jtr_jax.workdir.checkpoints import Which

LABELS = "labels.tsv"


class Teacher(NamedTuple):
  """A network that labels one task.

  Attributes:
    task: its name.
    folder: workdir of its run.
    step: of the checkpoint.
    fingerprint: CRC-32 of its parameters and statistics, hexadecimal.
    label: a batch -> the stored label of each image, on the host: its own, or
      what the network predicts. Where its own leaves several classes open, the
      network chooses among them.
  """

  task: str
  folder: Path
  step: int
  fingerprint: str
  label: Callable[[Examples], np.ndarray]


def find(
  folders: Sequence[str | Path], tasks: Sequence[str]
) -> dict[str, Path]:
  """Return the workdir of each task's teacher.

  Args:
    folders: workdirs of finished runs, or of experiments of several.
    tasks: the tasks that are wanted.

  Returns:
    Task name -> workdir, for the tasks that there is a teacher for.

  Raises:
    ValueError: a folder holds no finished run, or two have the same task.
  """
  found: dict[str, Path] = {}
  for own in (own for folder in folders for own in _runs(places.place(folder))):
    for task in _tasks(own):
      if task in found:
        raise _ambiguous(task, found[task], own)
      if task in tasks:
        found[task] = own
  return found


def load(
  folder: Path, task: str, data: Mixture, *, which: Which, confidence: float
) -> Teacher:
  """Return a teacher for images of the size and with the tasks of some data.

  Args:
    folder: workdir of its run.
    task: the task to label.
    data: the images.
    which: "best" or "latest" checkpoint.
    confidence: see `Task.pseudo_label`.

  Raises:
    ValueError: there is no such checkpoint, or its network is for other labels.
  """
  settings = dataclasses.replace(saved.read(folder), tasks=_tasks(folder))
  made = setup.make_experiment(settings, folder, data)
  restored = setup.restore_state(made, which)
  state, form = restored.state, data.manifest.form(task)
  params, model_state = state.to_evaluate
  (kind,) = (own for own in made.tasks if own.name == task)

  @jax.jit
  def predict(examples: Examples) -> tuple[jax.Array, jax.Array, jax.Array]:
    predictions, _ = made.net.predict(
      params, model_state, to_images(examples), train=False
    )
    own = to_labels(examples)[task]
    value, valid = kind.pseudo_label(
      kind.restrict(predictions[task], own), confidence=confidence
    )
    return value, valid, kind.leaves_open(own) & valid

  def label(examples: Examples) -> np.ndarray:
    value, valid, fills = jax.device_get(predict(examples))
    found, own = (
      to_stored(value, valid, form),
      np.asarray(examples.stored[task]),
    )
    if kind.has_sets:
      own = np.where(fills, found, own)
    present = np.asarray(examples.present[task])
    return np.where(present.reshape(-1, *(own.ndim - 1) * (1,)), own, found)

  return Teacher(task, folder, restored.step, _fingerprint(state), label)


def warn_of_seen_labels(teacher: Path, task: str, data: Mixture) -> None:
  """Warn if a teacher was trained on labels that its student must not see.

  Args:
    teacher: workdir of its run.
    task: its task.
    data: what the student may see.
  """
  file, labels = teacher / LABELS, data.main.labels
  if labels is None or task not in labels.tasks or not file.exists():
    return
  seen = text_file.load_split(file)
  if task not in seen.tasks:
    return
  leaked = _shown(seen, task) & (set(labels.ids) - _shown(labels, task))
  if leaked:
    logging.warning(
      "The teacher in %s was trained on labels for %s that are hidden here "
      "(%d of them): its pseudo labels contain their information.",
      teacher,
      task,
      len(leaked),
    )


def _shown(labels: LabelSplit, task: str) -> set[str]:
  """Return the ids of the images that show their label for a task."""
  column = labels.labelled[:, labels.tasks.index(task)]
  return {i for i, shown in zip(labels.ids, column, strict=True) if shown}


def _tasks(workdir: Path) -> tuple[str, ...]:
  """Return the tasks of a finished run."""
  named = saved.read(workdir).tasks
  return named or text_file.load_split(workdir / LABELS).tasks


def _runs(folder: Path) -> list[Path]:
  """Return the workdirs of the finished runs of an experiment."""
  found = run.find_runs(folder)
  for own in found:
    if not result_card.exists(own):
      raise ValueError(
        errors.message(
          f"There is no teacher in {folder}",
          found=f"no finished run in {own}",
          expected="a workdir with RESULT.md, result.json and checkpoints",
          do="Train it to its end first, or correct experiment.teachers.",
        )
      )
  return found


def _fingerprint(state: TrainState) -> str:
  crc = 0
  for leaf in jax.tree.leaves((state.params, state.model_state)):
    crc = zlib.crc32(np.asarray(leaf).tobytes(), crc)
  return f"{crc:08x}"


def _ambiguous(task: str, first: Path, second: Path) -> ValueError:
  return ValueError(
    errors.message(
      f"Two teachers know task {task!r}",
      found=f"{first} and {second}",
      expected="one for each task",
      do="Leave one of them out of experiment.teachers.",
    )
  )
