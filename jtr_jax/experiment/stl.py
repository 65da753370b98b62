"""Single-task learning: a network for each task, and a baseline of them."""

from pathlib import Path

from jtr_jax.config import derive
from jtr_jax.config.settings import Settings
from jtr_jax.data.loading.selection import check_every_task_labelled
from jtr_jax.experiment.base import Options, finish_run, open_workdir
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.workdir import combined_card, result_card

BASELINE = "baseline.json"
BASELINE_OF_BEST = "baseline_best.json"


def train(settings: Settings, folder: Path, options: Options) -> bool:
  """Train a network for each task, and write what Delta_MTL compares with."""
  data = open_workdir(settings, folder, options)
  runs = settings_of_runs(settings, data)
  for task, own in runs.items():
    if not finish_run(own, folder / task, options):
      return False
  cards = [result_card.read(folder / task) for task in runs]
  combined = combined_card.combine(cards, config=options.name)
  result_card.write(folder, combined)
  for file, rule in ((BASELINE, "last"), (BASELINE_OF_BEST, "best")):
    source = f"jtr_jax, {options.name}"
    combined_card.write_baseline(folder / file, combined, rule, source=source)
  return True


def settings_of_runs(settings: Settings, data: Mixture) -> dict[str, Settings]:
  """Return the settings of each task's own network.

  Args:
    settings: of the experiment.
    data: of these settings.

  Returns:
    Task name -> settings of a run on the images that are labelled for the task,
    with the labels that it has in the splits of all tasks.

  Raises:
    ValueError: a task has no labels.
  """
  check_every_task_labelled(data.selection, settings.data.scenario)
  own = for_tasks(settings, data, data.tasks)
  return {
    task: derive.single_task(
      own, task, tuple(s.name for s in data.sources if s.knows(task))
    )
    for task in data.tasks
  }


def for_tasks(
  settings: Settings, data: Mixture, tasks: tuple[str, ...]
) -> Settings:
  """Return an experiment of single-task networks for some of the tasks."""
  known = {source.name: source.tasks for source in data.sources}
  return derive.single_tasks(settings, tasks, known)
