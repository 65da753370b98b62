"""Experiments of one or several runs, one after the other.

`config.stages.plan` says which: a plan trains ordinary runs in workdirs below
its own, and whatever was finished is left alone. So an interrupted experiment
goes on like a single run, when the same command is given again.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ml_collections import ConfigDict

from jtr_jax import (
  build,
  config_lib,
  config_sections,
  pseudo_labels,
  runs,
  sources,
  teachers,
)
from jtr_jax.data.selection import check_every_task_labelled
from jtr_jax.sources import Mixture
from jtr_jax.train import combined_card, result_card
from jtr_jax.train.checkpoint import Which

BASELINE = "baseline.json"
BASELINE_OF_BEST = "baseline_best.json"
TEACHERS, PSEUDO_LABELS, STUDENT = "teachers", "pseudo_labels", "student"


class Options(NamedTuple):
  """What the command says besides the config.

  Attributes:
    name: of the config, for result cards.
    allow_config_change: go on even in workdirs of another config.
  """

  name: str = ""
  allow_config_change: bool = False


Plan: TypeAlias = Callable[[ConfigDict, Path, Options], bool]


def train(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train all runs of an experiment and write its result card.

  Args:
    config: a validated config.
    folder: the workdir; an experiment that is there goes on.
    options: what the command says.

  Returns:
    False if a signal stopped it: the same call goes on from there.
  """
  return PLANS[config.stages.plan](config, folder, options)


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of every run of an experiment.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  below = sorted(path.parent for path in folder.rglob("checkpoints"))
  for run in below or [folder]:
    runs.evaluate(run, which=which)


def single_task_configs(config: ConfigDict) -> dict[str, ConfigDict]:
  """Return the config of each task's own network.

  Args:
    config: of the experiment.

  Returns:
    Task name -> config of a run on the images that are labelled for the task,
    with the labels that it has in the splits of all tasks.

  Raises:
    ValueError: a task has no labels.
  """
  data = sources.open_sources(config)
  check_every_task_labelled(data.selection, config.data.scenario)
  return {name: _single_task_config(config, data, name) for name in data.tasks}


def _single_task_config(
  config: ConfigDict, data: Mixture, task: str
) -> ConfigDict:
  own = _single_tasks_config(config, data, (task,))
  own.stages.plan = "run"
  first, *others = (s.name for s in data.sources if s.knows(task))
  further = own.data.sources
  if first != sources.MAIN:
    _promote(own, further[first])
  own.data.sources = {name: further[name] for name in others}
  for section in (own.data, *own.data.sources.values()):
    section.images = "labelled"
  return own


def _single_tasks_config(
  config: ConfigDict, data: Mixture, names: tuple[str, ...]
) -> ConfigDict:
  """Return the config of networks of one task each, for some of the tasks."""
  own = config_lib.use_balancing(_plain(config), "uniform")
  own.stages.plan = "stl"
  own.tasks = names
  for source in data.sources:
    section = _section(own, source.name)
    section.scenario_tasks = section.scenario_tasks or source.tasks
  share = config.method.get("share", "image")
  return config_lib.use_method(own, "stl", share=share)


def _section(config: ConfigDict, source: str) -> ConfigDict:
  section: ConfigDict = (
    config.data if source == sources.MAIN else config.data.sources[source]
  )
  return section


def _promote(config: ConfigDict, source: ConfigDict) -> None:
  """Make a source the data, where the data has no label for the task."""
  config.train.batch_size = source.per_batch
  config.data.update(
    {field: value for field, value in source.items() if field in config.data}
  )


def _plain(config: ConfigDict) -> ConfigDict:
  """Return a config for one run, with all other values the same."""
  own = config.copy_and_resolve_references()
  own.stages.update(config_sections.SECTIONS["stages"])
  return own


def _train_run(config: ConfigDict, folder: Path, options: Options) -> bool:
  return runs.train(
    config,
    folder,
    name=options.name,
    allow_config_change=options.allow_config_change,
  )


def _finish_run(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train a run below the workdir, unless it is finished."""
  if runs.is_finished(config, folder):
    return True
  name = f"{options.name}, {folder.name}"
  return _train_run(config, folder, options._replace(name=name))


def _train_single_tasks(
  config: ConfigDict, folder: Path, options: Options
) -> bool:
  """Train a network for each task, and write what Delta_MTL compares with."""
  _open(config, folder, options)
  configs = single_task_configs(config)
  for task, own in configs.items():
    if not _finish_run(own, folder / task, options):
      return False
  cards = [result_card.read(folder / task) for task in configs]
  combined = combined_card.combine(cards, config=options.name)
  result_card.write(folder, combined)
  for file, rule in ((BASELINE, "last"), (BASELINE_OF_BEST, "best")):
    source = f"jtr_jax, {options.name}"
    combined_card.write_baseline(folder / file, combined, rule, source=source)
  return True


def _train_each_primary(
  config: ConfigDict, folder: Path, options: Options
) -> bool:
  """Train a network with each task as the primary one of its balancing.

  The card has of every network the results of its primary task.

  Source: IAL, the auxiliary setting.
  """
  _open(config, folder, options)
  names = sources.open_sources(config).tasks
  for task in names:
    own = _plain(config)
    own.balancing.primary = task
    if not _finish_run(own, folder / task, options):
      return False
  cards = [
    combined_card.of_task(result_card.read(folder / task), task)
    for task in names
  ]
  result_card.write(folder, combined_card.combine(cards, config=options.name))
  return True


def _train_teachers_and_student(
  config: ConfigDict, folder: Path, options: Options
) -> bool:
  """Train single-task teachers, let them label, and train a student.

  Source: Ghiasi et al., ICCV 2021 (MuST), as two steps in the JTR paper,
    Sec. 4.5 and Table 9.
  Deviations: the JTR paper does not say which checkpoints teach, nor from what
    confidence on a class counts: here the last step, and 0.5.
  """
  _open(config, folder, options)
  data = sources.open_sources(config)
  known = _find_teachers(config, data, folder / TEACHERS, options)
  if known is None:
    return False
  directory = folder / PSEUDO_LABELS
  _write_pseudo_labels(config, data, known, directory)
  student = _student_config(config, data, directory)
  if not _finish_run(student, folder / STUDENT, options):
    return False
  result_card.write(folder, result_card.read(folder / STUDENT))
  return True


def _find_teachers(
  config: ConfigDict, data: Mixture, folder: Path, options: Options
) -> dict[str, Path] | None:
  """Return task -> workdir, training those not given; None if stopped."""
  known = teachers.find(config.stages.teachers, data.tasks)
  missing = tuple(name for name in data.tasks if name not in known)
  if missing:
    own = _single_tasks_config(config, data, missing)
    if not _train_single_tasks(own, folder, options):
      return None
    known |= teachers.find([folder], missing)
  return {name: known[name] for name in data.tasks}


def _write_pseudo_labels(
  config: ConfigDict, data: Mixture, known: Mapping[str, Path], folder: Path
) -> None:
  """Label the images of every source, in a data set of its own."""
  settings, loaded = config.stages, []
  for task, workdir in known.items():
    teachers.warn_of_seen_labels(workdir, task, data)
    loaded.append(
      teachers.load(
        workdir,
        task,
        data,
        which=settings.teacher_step,
        confidence=settings.confidence,
      )
    )
  for source in data.sources:
    pseudo_labels.write(
      folder / source.name,
      source,
      loaded,
      data.manifest.tasks,
      batch_size=config.evaluate.batch_size,
      confidence=settings.confidence,
    )


def _student_config(
  config: ConfigDict, data: Mixture, folder: Path
) -> ConfigDict:
  """Return the config of a run on the images with pseudo labels."""
  own = _plain(config)
  for source in data.sources:
    section = _section(own, source.name)
    section.update(
      name=build.PREPARED,
      directory=str(folder / source.name),
      scenario="found",
      split_file="",
      images="all",
    )
    if "tasks" in section:
      section.tasks = ()
  return own


PLANS: Mapping[str, Plan] = {
  "run": _train_run,
  "stl": _train_single_tasks,
  "primaries": _train_each_primary,
  "must": _train_teachers_and_student,
}


def _open(config: ConfigDict, folder: Path, options: Options) -> None:
  runs.open_workdir(
    config, folder, allow_config_change=options.allow_config_change
  )
