"""MuST: single-task teachers, their pseudo labels, and a student of them."""

from collections.abc import Mapping
from pathlib import Path

from jtr_jax.config import derive
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts
from jtr_jax.experiment import stl
from jtr_jax.experiment.base import Options, finish_run, open_workdir
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.experiment.must import pseudo_labels, teachers
from jtr_jax.workdir import result_card

TEACHERS, PSEUDO_LABELS, STUDENT = "teachers", "pseudo_labels", "student"


def train(settings: Settings, folder: Path, options: Options) -> bool:
  """Train single-task teachers, label images with them, and train a student.

  Source: Ghiasi et al., ICCV 2021 (MuST), as two steps in the JTR paper,
    Sec. 4.5 and Table 9.
  Deviations: the JTR paper does not say which checkpoints are teachers, nor
    from which confidence on a class counts: here the last step, and 0.5.
  """
  data = open_workdir(settings, folder, options)
  known = _find_teachers(settings, data, folder / TEACHERS, options)
  if known is None:
    return False
  directory = folder / PSEUDO_LABELS
  _write_pseudo_labels(settings, data, known, directory)
  places = {
    source.name: str(directory / source.name) for source in data.sources
  }
  student = derive.student(settings, places)
  if not finish_run(student, folder / STUDENT, options):
    return False
  result_card.write(folder, result_card.read(folder / STUDENT))
  return True


def _find_teachers(
  settings: Settings, data: Mixture, folder: Path, options: Options
) -> dict[str, Path] | None:
  """Return task -> workdir, training those not given; None if stopped."""
  known = teachers.find(settings.experiment.teachers, data.tasks)
  missing = tuple(name for name in data.tasks if name not in known)
  if missing:
    own = stl.for_tasks(settings, data, missing)
    if not stl.train(own, folder, options):
      return None
    known |= teachers.find([folder], missing)
  return {name: known[name] for name in data.tasks}


def _write_pseudo_labels(
  settings: Settings, data: Mixture, known: Mapping[str, Path], folder: Path
) -> None:
  """Label the images of every source, in a data set of its own."""
  section, loaded = settings.experiment, []
  for task, workdir in known.items():
    teachers.warn_of_seen_labels(workdir, task, data)
    loaded.append(
      teachers.load(
        workdir,
        task,
        data,
        which=section.teacher_step,
        confidence=section.confidence,
      )
    )

  def write() -> None:
    for source in data.sources:
      pseudo_labels.write(
        folder / source.name,
        source,
        loaded,
        data.manifest.tasks,
        batch_size=settings.evaluate.batch_size,
        confidence=section.confidence,
      )

  hosts.primary_first(write)
