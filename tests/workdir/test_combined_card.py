"""Cards of several networks, with what they summarise."""

import math

import pytest

from jtr_jax.workdir import combined_card
from jtr_jax.workdir.result_card import Outcome, ResultCard

DIRECTIONS = {"seg/miou": 1, "depth/delta1": 1, "depth/rmse": -1}
METRICS = {"seg/miou": 0.4, "depth/delta1": 0.8, "depth/rmse": 0.5}


def card(metrics, summarised, **outcome):
  return ResultCard(
    name="run",
    outcomes=(Outcome("last", 3, "val", metrics, **outcome),),
    directions={name: DIRECTIONS[name] for name in metrics},
    baseline={"name": "stl", "metrics": {}},
    seeds={},
    scenario="full",
    label_counts={"seg": 1, "depth": 2},
    images=2,
    versions={},
    config="config",
    summarised=summarised,
  )


def test_one_task_of_several():
  whole = card(
    METRICS,
    tuple(METRICS),
    gains={"seg": 1.0, "depth": 3.0},
    delta_percent=2.0,
    acc_mtl=0.7,
  )
  own = combined_card.of_task(whole, "depth")
  (outcome,) = own.outcomes
  assert own.summarised == ("depth/delta1", "depth/rmse")
  assert outcome.delta_percent == 3.0
  assert outcome.acc_mtl == pytest.approx(math.sqrt(0.8 / 0.5))


def test_networks_of_one_task_each():
  cards = [
    card({"seg/miou": 0.4}, ("seg/miou",), acc_mtl=0.4),
    card({"depth/rmse": 0.5}, ("depth/rmse",), acc_mtl=2.0),
  ]
  together = combined_card.combine(cards, config="both")
  assert together.summarised == ("seg/miou", "depth/rmse")
  assert together.outcomes[0].acc_mtl == pytest.approx(math.sqrt(0.8))


def test_no_acc_mtl_where_a_network_has_none():
  cards = [
    card({"seg/miou": 0.4}, ()),
    card({"depth/rmse": 0.5}, ("depth/rmse",), acc_mtl=2.0),
  ]
  together = combined_card.combine(cards, config="both")
  assert (together.summarised, together.outcomes[0].acc_mtl) == ((), None)
