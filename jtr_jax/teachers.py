"""Finished runs whose networks label images for a student."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import logging

from jtr_jax import config_lib, experiment
from jtr_jax.core import errors
from jtr_jax.data import split_file
from jtr_jax.data.examples import Examples, to_images, to_stored
from jtr_jax.data.records import Dataset
from jtr_jax.data.splits import LabelSplit
from jtr_jax.train import result_card, workdir
from jtr_jax.train.checkpoint import Which
from jtr_jax.train.state import TrainState

LABELS = "labels.tsv"


class Teacher(NamedTuple):
  """A network that labels one task.

  Attributes:
    task: its name.
    folder: workdir of its run.
    step: of the checkpoint.
    fingerprint: CRC-32 of its parameters and statistics, hexadecimal.
    label: a batch -> the stored label of each image, on the host.
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
    ValueError: a folder holds no finished run, or two teach the same task.
  """
  found: dict[str, Path] = {}
  for run in (run for folder in folders for run in _runs(Path(folder))):
    for task in split_file.load_split(run / LABELS).tasks:
      if task in found:
        raise _ambiguous(task, found[task], run)
      if task in tasks:
        found[task] = run
  return found


def load(
  folder: Path, task: str, dataset: Dataset, *, which: Which, confidence: float
) -> Teacher:
  """Return a teacher for the images of a data set.

  Args:
    folder: workdir of its run.
    task: what it is to label.
    dataset: whose images it is to label.
    which: "best" or "latest" checkpoint.
    confidence: see `Task.pseudo_label`.

  Raises:
    ValueError: there is no such checkpoint, or its network is for other labels.
  """
  config = config_lib.from_plain(workdir.read_config(folder))
  config.tasks = split_file.load_split(folder / LABELS).tasks
  made = experiment.make_experiment(config, folder, dataset)
  with experiment.open_checkpoints(made, read_only=True) as checkpoints:
    restored = checkpoints.restore(which, experiment.abstract_state(made))
  state, form = restored.state, dataset.manifest.form(task)
  (kind,) = (own for own in made.tasks if own.name == task)

  @jax.jit
  def predict(examples: Examples) -> tuple[jax.Array, jax.Array]:
    predictions, _ = made.net.predict(
      state.params, state.model_state, to_images(examples), train=False
    )
    return kind.pseudo_label(predictions[task], confidence=confidence)

  def label(examples: Examples) -> np.ndarray:
    value, valid = jax.device_get(predict(examples))
    return to_stored(value, valid, form)

  return Teacher(task, folder, restored.step, _fingerprint(state), label)


def warn_of_seen_labels(teacher: Path, task: str, labels: LabelSplit) -> None:
  """Warn if a teacher has learnt from labels that its student must not see.

  Args:
    teacher: workdir of its run.
    task: what it teaches.
    labels: which labels the student may see.
  """
  seen = split_file.load_split(teacher / LABELS)
  column = labels.labelled[:, labels.tasks.index(task)]
  hidden = {i for i, shown in zip(labels.ids, column, strict=True) if not shown}
  own = seen.labelled[:, seen.tasks.index(task)]
  learnt = {i for i, shown in zip(seen.ids, own, strict=True) if shown}
  if hidden & learnt:
    logging.warning(
      "The teacher in %s has learnt %s from %d labels that are hidden here: "
      "its pseudo labels tell of them.",
      teacher,
      task,
      len(hidden & learnt),
    )


def _runs(folder: Path) -> list[Path]:
  """Return the workdirs of the finished runs of an experiment."""
  found = sorted(path.parent for path in folder.rglob(LABELS))
  for run in found or [folder]:
    if not result_card.exists(run):
      raise ValueError(
        errors.message(
          f"There is no teacher in {folder}",
          found=f"no finished run in {run}",
          expected="a workdir with RESULT.md, result.json and checkpoints",
          do="Train it to its end first, or correct stages.teachers.",
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
      do="Leave one of them out of stages.teachers.",
    )
  )
