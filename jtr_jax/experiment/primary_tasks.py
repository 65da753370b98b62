"""IAL's auxiliary setting: a network with each task as the primary one."""

from pathlib import Path

from ml_collections import ConfigDict

from jtr_jax.experiment.base import (
  Options,
  finish_run,
  open_workdir,
  plain,
)
from jtr_jax.workdir import combined_card, result_card


def train(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train a network with each task as the primary one of its balancing.

  The card has of every network the results of its primary task.

  Source: IAL, the auxiliary setting.
  """
  names = open_workdir(config, folder, options).tasks
  for task in names:
    own = plain(config)
    own.balancing.primary = task
    if not finish_run(own, folder / task, options):
      return False
  cards = [
    combined_card.of_task(result_card.read(folder / task), task)
    for task in names
  ]
  result_card.write(folder, combined_card.combine(cards, config=options.name))
  return True
