"""Single-task learning: a network for each task, and a baseline of them."""

from pathlib import Path

from ml_collections import ConfigDict

from jtr_jax.config import presets
from jtr_jax.data.loading.selection import check_every_task_labelled
from jtr_jax.experiment import data_mixture
from jtr_jax.experiment.base import (
  Options,
  finish_run,
  open_workdir,
  plain,
)
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.workdir import combined_card, result_card

BASELINE = "baseline.json"
BASELINE_OF_BEST = "baseline_best.json"


def train(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train a network for each task, and write what Delta_MTL compares with."""
  data = open_workdir(config, folder, options)
  configs = single_task_configs(config, data)
  for task, own in configs.items():
    if not finish_run(own, folder / task, options):
      return False
  cards = [result_card.read(folder / task) for task in configs]
  combined = combined_card.combine(cards, config=options.name)
  result_card.write(folder, combined)
  for file, rule in ((BASELINE, "last"), (BASELINE_OF_BEST, "best")):
    source = f"jtr_jax, {options.name}"
    combined_card.write_baseline(folder / file, combined, rule, source=source)
  return True


def single_task_configs(
  config: ConfigDict, data: Mixture
) -> dict[str, ConfigDict]:
  """Return the config of each task's own network.

  Args:
    config: of the experiment.
    data: of that config.

  Returns:
    Task name -> config of a run on the images that are labelled for the task,
    with the labels that it has in the splits of all tasks.

  Raises:
    ValueError: a task has no labels.
  """
  check_every_task_labelled(data.selection, config.data.scenario)
  return {name: _single_task_config(config, data, name) for name in data.tasks}


def _single_task_config(
  config: ConfigDict, data: Mixture, task: str
) -> ConfigDict:
  own = single_tasks_config(config, data, (task,))
  own.stages.plan = "run"
  first, *others = (s.name for s in data.sources if s.knows(task))
  further = own.data.sources
  if first != data_mixture.MAIN:
    _promote(own, further[first])
  own.data.sources = {name: further[name] for name in others}
  for section in (own.data, *own.data.sources.values()):
    section.images = "labelled"
  return own


def single_tasks_config(
  config: ConfigDict, data: Mixture, names: tuple[str, ...]
) -> ConfigDict:
  """Return the config of networks of one task each, for some of the tasks."""
  own = presets.use_balancing(plain(config), "uniform")
  own.stages.plan = "stl"
  own.tasks = names
  for source in data.sources:
    section = section_of(own, source.name)
    section.scenario_tasks = section.scenario_tasks or source.tasks
  share = config.method.get("share", "image")
  return presets.use_method(own, "stl", share=share)


def section_of(config: ConfigDict, source: str) -> ConfigDict:
  """Return the section of a config that describes a source of data."""
  section: ConfigDict = (
    config.data if source == data_mixture.MAIN else config.data.sources[source]
  )
  return section


def _promote(config: ConfigDict, source: ConfigDict) -> None:
  """Make a source the data, where the data has no label for the task."""
  config.train.batch_size = source.per_batch
  config.data.update(
    {field: value for field, value in source.items() if field in config.data}
  )
