"""Grid search: a network with each combination of auxiliary tasks' weights."""

import dataclasses
from pathlib import Path

from ml_collections import ConfigDict

from jtr_jax.balancing.loss import fixed
from jtr_jax.core import errors
from jtr_jax.experiment.base import (
  Options,
  finish_run,
  open_workdir,
  plain,
)
from jtr_jax.experiment.setup import DELTA
from jtr_jax.workdir import result_card
from jtr_jax.workdir.result_card import Outcome, ResultCard


def train(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train a network at every point of the grid; the card is that of the best.

  The weights are those of a gradient balancer with indicator "fixed", or
  those of the loss balancer "fixed"; that of the primary task is 1. The best is
  chosen by the metrics that are reported, which the card says.

  Source: IAL, Tables VIII and IX, "grid search".
  """
  section, field = _place(config)
  names = open_workdir(config, folder, options).tasks
  primary = config.balancing.primary or names[0]
  if primary not in names:
    raise errors.unknown_name("primary task", primary, names)
  values, index = config.stages.grid, names.index(primary)
  cards = []
  for point in fixed.grid(len(names), values, primary=index):
    own = plain(config)
    own.balancing[section][field] = point
    workdir = folder / "_".join(f"{weight:g}" for weight in point)
    if not finish_run(own, workdir, options):
      return False
    cards.append(result_card.read(workdir))
  metric = DELTA
  if not config.evaluate.baseline:
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


def _place(config: ConfigDict) -> tuple[str, str]:
  """Return the section and the field of `balancing` that the grid is for."""
  if config.balancing.gradient.get("indicator") == "fixed":
    return "gradient", "auxiliary_weights"
  if config.balancing.loss.name == "fixed":
    return "loss", "weights"
  raise ValueError(
    errors.message(
      "There are no weights to search",
      found=f"balancing.loss.name={config.balancing.loss.name!r}, "
      f"balancing.gradient.name={config.balancing.gradient.name!r}",
      expected="a loss balancer 'fixed', or a gradient balancer whose "
      "indicator is 'fixed'",
      do="Write for example balancing=fixed, or balancing=ial with "
      "--config.balancing.gradient.indicator=fixed.",
    )
  )
