"""IAL's auxiliary setting: a network with each task as the primary one."""

from pathlib import Path

from jtr_jax.config import derive
from jtr_jax.config.settings import Settings
from jtr_jax.experiment.base import Options, finish_run, open_workdir
from jtr_jax.workdir import combined_card, result_card


def train(settings: Settings, folder: Path, options: Options) -> bool:
  """Train a network with each task as the primary one of its balancing.

  The card has of every network the results of its primary task.

  Source: IAL, the auxiliary setting.
  """
  names = open_workdir(settings, folder, options).tasks
  for task in names:
    own = derive.with_primary(settings, task)
    if not finish_run(own, folder / task, options):
      return False
  cards = [
    combined_card.of_task(result_card.read(folder / task), task)
    for task in names
  ]
  result_card.write(folder, combined_card.combine(cards, config=options.name))
  return True
