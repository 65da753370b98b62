"""Labels set aside, and accuracies told to the balancer that asks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.config import build_balancing
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.experiment import held_out_accuracy
from jtr_jax.experiment.data_mixture import Mixture, Source
from jtr_jax.methods.supervised import supervised
from jtr_jax.train import dispatch
from jtr_jax.train.step_parts import Program
from tests import config_files
from tests.train import small_net, tiny

NET = small_net.make_net()
IDS = tuple(f"train_{i}" for i in range(tiny.IMAGES["train"]))
LABELS = LabelSplit(IDS, tiny.NAMES, np.ones((len(IDS), 3), bool))
RESULTS = {
  "segmentation/miou": 0.2,
  "depth/delta1": 0.6,
  "normals/within_11.25": float("nan"),
}


def settings(name="amtl", **fields):
  balancing = {f"balancing__{field}": value for field, value in fields.items()}
  return config_files.settings(
    "rooms_supervised", f"full,balancing={name}", **balancing
  )


def start(made):
  balancing = build_balancing.make_balancing(made, tiny.TASKS, 2.0)
  program = Program(NET, supervised(tiny.TASKS), balancing)
  return balancing, small_net.start(program, optax.sgd(0.1))


def data():
  """The tiny data, with all labels."""
  dataset = tiny.make_dataset()
  forms = {name: dataset.manifest.form(name) for name in tiny.NAMES}
  main = Source(
    "main", settings().data, dataset, forms, tiny.BATCH, given=LABELS
  )
  return Mixture(dataset.manifest, (main,))


def update_of(made, balancing):
  _, aside = held_out_accuracy.set_images_aside(made, balancing, data())
  mesh = dispatch.make_mesh(1, jax.devices()[:1])
  return held_out_accuracy.make_update(made, NET, balancing, aside, mesh)


def track(made, metrics):
  """Return the balancer's state and the row after one evaluation."""
  balancing, state = start(made)
  after, row = update_of(made, balancing)(state, metrics)
  same = dataclasses.replace(after, balancing=state.balancing)
  assert jax.tree.all(jax.tree.map(jnp.array_equal, same.params, state.params))
  return after.balancing.loss, row


def test_set_aside_labels_are_not_trained_with():
  made = settings(held_out=0.3)
  kept, aside = held_out_accuracy.set_labels_aside(made, start(made)[0], LABELS)
  np.testing.assert_array_equal(kept.labelled ^ aside.labelled, LABELS.labelled)
  assert aside.labelled.all(axis=1).sum() == 3
  again = held_out_accuracy.set_labels_aside(made, start(made)[0], LABELS)
  np.testing.assert_array_equal(again[1].labelled, aside.labelled)


def test_set_aside_images_are_those_that_are_not_trained_with():
  made = settings(held_out=0.3)
  kept, aside = held_out_accuracy.set_images_aside(made, start(made)[0], data())
  trained = kept.main.labelled.parts[0].ids
  measured = aside.parts[0].ids
  assert len(measured) == 3
  assert sorted(trained + measured) == sorted(IDS)
  assert kept.selection.size == len(IDS)  # the others come without labels


@pytest.mark.parametrize(
  "made",
  [settings("uw"), settings(accuracy="eval_split")],
  ids=["uw", "released"],
)
def test_nothing_is_set_aside_unless_it_is_measured_on(made):
  kept, aside = held_out_accuracy.set_labels_aside(made, start(made)[0], LABELS)
  assert not aside.labelled.any()
  np.testing.assert_array_equal(kept.labelled, LABELS.labelled)


def test_results_of_the_evaluation_as_released():
  state, row = track(settings(accuracy="eval_split"), RESULTS)
  np.testing.assert_allclose(state, [0.2, 0.6, np.nan], rtol=1e-6)
  assert row["accuracy/depth"] == 0.6


def test_results_on_labels_set_aside():
  state, row = track(settings(), RESULTS)
  assert list(row) == [f"accuracy/{name}" for name in tiny.NAMES]
  np.testing.assert_allclose(state, list(row.values()), rtol=1e-6)
  assert row["accuracy/depth"] != 0.6
  assert all(0 <= value <= 1 for value in row.values())


def test_nobody_asks():
  made = settings("uniform")
  assert update_of(made, start(made)[0]) is None
