"""Opens the networks of workdirs: `jtr_jax.load`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from jtr_jax.config import saved
from jtr_jax.config.trained import restore
from jtr_jax.core import errors, places
from jtr_jax.inference.member import make_member
from jtr_jax.inference.model import Model, check_same_tasks
from jtr_jax.pretrained import weights_file
from jtr_jax.workdir.checkpoints import Which

Folder: TypeAlias = str | os.PathLike[str]

_SHOWN = 5


def load(workdir: Folder | Sequence[Folder], *, which: Which = "best") -> Model:
  """Return the trained network of a run, ready to predict.

  Neither the data nor the devices of the training are needed, and nothing is
  written. The networks of an `stl` experiment are taken together. Of several
  workdirs, predictions for the same task are averaged.

  Args:
    workdir: of a run, or of several.
    which: "best", "latest" or a step.

  Raises:
    ValueError: there is no such run or checkpoint, or runs mean different
      things by the name of a task.

  Example:
    model = jtr_jax.load("runs/rooms_jtr")
    values = model.predict(image)  # task -> [H, W] or [H, W, C]
  """
  if isinstance(workdir, str | os.PathLike):
    workdir = [workdir]
  folders = [own for folder in workdir for own in runs_of(places.place(folder))]
  if not folders:
    raise ValueError(
      errors.message(
        "There is no network to load",
        found="no workdir",
        expected="at least one",
        do="Name the workdir of a finished run.",
      )
    )
  members = tuple(make_member(restore(folder, which)) for folder in folders)
  check_same_tasks(members)
  return Model(members)


def runs_of(folder: Path) -> list[Path]:
  """Return the workdirs whose networks a workdir stands for.

  Args:
    folder: of a run, or of an experiment.

  Raises:
    ValueError: there is no run, or an experiment of which one run has to be
      named.
  """
  kind = saved.read(folder).experiment.kind
  own = ("checkpoints", weights_file.NAME)
  if any((folder / name).exists() for name in own):
    return [folder]
  below = [path.parent for path in places.below(folder, "checkpoints")]
  if kind == "stl" and below:
    return below
  named = ", ".join(str(path) for path in below[:_SHOWN])
  found = f"{len(below)} runs below it: {named}" if below else "no checkpoint"
  raise ValueError(
    errors.message(
      f"{folder} is no single run",
      found=found,
      expected="the workdir of one run that has saved a checkpoint",
      do="Name one of its runs." if below else "Train there first.",
    )
  )
