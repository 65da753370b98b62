"""The card of several networks, one for each task, and a baseline from it."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jtr_jax.metrics.summary import Measure, acc_mtl, mean_gain
from jtr_jax.workdir import text_files
from jtr_jax.workdir.result_card import Outcome, ResultCard

_RULES = ("last", "best")
_EACH = "by each network's own metric"


def combine(cards: Sequence[ResultCard], *, config: str) -> ResultCard:
  """Return one card of networks that were trained separately.

  Args:
    cards: of the networks, each for tasks of its own.
    config: path of the config, with its arguments.

  Returns:
    One outcome for each rule that all cards have; Delta_MTL is their mean.
  """
  first = cards[0]
  found = (_combine_outcomes(cards, rule) for rule in _RULES)
  return ResultCard(
    name=first.name,
    outcomes=tuple(outcome for outcome in found if outcome),
    directions=_union(card.directions for card in cards),
    baseline=first.baseline,
    seeds=first.seeds,
    scenario=first.scenario,
    label_counts=_union(card.label_counts for card in cards),
    images=max(card.images for card in cards),
    versions=first.versions,
    config=config,
    summarised=_joined(cards),
  )


def of_task(card: ResultCard, task: str) -> ResultCard:
  """Return a card with one task's results alone; Delta and Acc are its own.

  Args:
    card: of a network for several tasks.
    task: one of them.
  """

  def own(values: Mapping[str, Any]) -> dict[str, Any]:
    prefix = task + "/"
    return {n: v for n, v in values.items() if n.startswith(prefix)}

  summarised = tuple(n for n in card.summarised if n.startswith(f"{task}/"))
  outcomes = [
    dataclasses.replace(
      outcome,
      metrics=own(outcome.metrics),
      delta_percent=outcome.gains.get(task),
      gains={n: gain for n, gain in outcome.gains.items() if n == task},
      acc_mtl=_accuracy(card, outcome, summarised),
    )
    for outcome in card.outcomes
  ]
  return dataclasses.replace(
    card,
    outcomes=tuple(outcomes),
    directions=own(card.directions),
    label_counts={task: card.label_counts[task]},
    summarised=summarised,
  )


def write_baseline(
  path: Path, card: ResultCard, rule: str, *, source: str
) -> None:
  """Write an outcome as a baseline that `metrics.delta` reads.

  Args:
    path: the file.
    card: the results.
    rule: "last" or "best"; nothing is written if the card has no such outcome.
    source: of the numbers.

  Raises:
    OSError: it cannot be written.
  """
  outcome = card.outcome(rule)
  if outcome is None:
    return
  seeds = ", ".join(f"{name} {value}" for name, value in card.seeds.items())
  content = {
    "name": f"{card.name}, {card.scenario}, {seeds}, {outcome.selection}",
    "metrics": {n: v for n, v in outcome.metrics.items() if math.isfinite(v)},
    "source": source,
  }
  text_files.replace(path, json.dumps(content, indent=2) + "\n")


def _combine_outcomes(cards: Sequence[ResultCard], rule: str) -> Outcome | None:
  found = [outcome for card in cards if (outcome := card.outcome(rule))]
  if len(found) < len(cards):
    return None
  first, steps = found[0], {outcome.step for outcome in found}
  deltas = [o.delta_percent for o in found if o.delta_percent is not None]
  accuracies = [o.acc_mtl for o in found if o.acc_mtl is not None]
  return Outcome(
    rule=rule,
    step=first.step if len(steps) == 1 else None,
    split=first.split,
    metrics=_union(outcome.metrics for outcome in found),
    selected_by=_EACH if first.selected_by else "",
    selected_on=first.selected_on,
    gains=_union(outcome.gains for outcome in found),
    delta_percent=mean_gain([[d] for d in deltas]) if deltas else None,
    acc_mtl=_of_networks(accuracies) if len(accuracies) == len(found) else None,
  )


def _joined(cards: Sequence[ResultCard]) -> tuple[str, ...]:
  """Return the chosen metrics of all cards, () if one has none."""
  chosen = [card.summarised for card in cards]
  return tuple(n for own in chosen for n in own) if all(chosen) else ()


def _accuracy(
  card: ResultCard, outcome: Outcome, names: Sequence[str]
) -> float | None:
  """Return Acc_MTL of the metrics of one task, None without any."""
  if not names:
    return None
  return acc_mtl(
    [[Measure(outcome.metrics[n], card.directions[n]) for n in names]]
  )


def _of_networks(accuracies: Sequence[float]) -> float:
  """Return Acc_MTL of networks for one task each, from their own."""
  return acc_mtl([[Measure(accuracy, 1)] for accuracy in accuracies])


def _union(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
  return {name: value for part in parts for name, value in part.items()}
