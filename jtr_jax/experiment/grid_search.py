"""Grid search: a network with each combination of auxiliary tasks' weights."""

import dataclasses
from pathlib import Path

from jtr_jax.balancing.loss import fixed
from jtr_jax.config import derive
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors
from jtr_jax.experiment.base import Options, finish_run, open_workdir
from jtr_jax.experiment.setup import DELTA
from jtr_jax.workdir import result_card
from jtr_jax.workdir.result_card import Outcome, ResultCard


def train(settings: Settings, folder: Path, options: Options) -> bool:
  """Train a network at every point of the grid; the card is that of the best.

  The weights are those of a gradient balancer with indicator "fixed", or
  those of the loss balancer "fixed"; that of the primary task is 1. The best is
  chosen by the metrics that are reported, which the card says.

  Source: IAL, Tables VIII and IX, "grid search".
  """
  derive.require_weights(settings)
  names = open_workdir(settings, folder, options).tasks
  primary = settings.balancing.primary or names[0]
  if primary not in names:
    raise errors.unknown_name("primary task", primary, names)
  values, index = settings.experiment.grid, names.index(primary)
  cards = []
  for point in fixed.grid(len(names), values, primary=index):
    own = derive.with_weights(settings, point)
    workdir = folder / "_".join(f"{weight:g}" for weight in point)
    if not finish_run(own, workdir, options):
      return False
    cards.append(result_card.read(workdir))
  metric = DELTA
  if not settings.evaluate.baseline:
    of_primary = (m for m in cards[0].directions if m.startswith(primary + "/"))
    metric = next(of_primary)
  result_card.write(folder, best(cards, metric))
  return True


def best(cards: list[ResultCard], metric: str) -> ResultCard:
  """Return the card that is the best by a metric.

  Args:
    cards: of runs that differ in weights alone.
    metric: "<task>/<metric>", or that of Delta_MTL.

  Returns:
    The card, with the last step's outcome alone, marked as chosen.
  """

  def worth(card: ResultCard) -> float:
    last = _last(card)
    if metric == DELTA:
      return last.delta_percent or 0.0
    return card.directions[metric] * last.metrics[metric]

  card = max(cards, key=worth)
  last = _last(card)
  marked = dataclasses.replace(
    last, selected_by=f"weights by {metric}", selected_on=last.split
  )
  return dataclasses.replace(card, outcomes=(marked,))


def _last(card: ResultCard) -> Outcome:
  last = card.outcome("last")
  assert last is not None  # every finished run has one
  return last
