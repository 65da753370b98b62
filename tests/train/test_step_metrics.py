import json
import math

import jax
import numpy as np
import pytest

from jtr_jax.core.types import Weighted
from jtr_jax.train.step import StepMetrics
from jtr_jax.train.step_metrics import NonFiniteError, Window

IDS = ("kitchen", "hall", "attic", "cellar")


def metrics(loss=(1.0,), weight=(1.0,), broken=(), gradient=1.0):
  """The metrics of a dispatch of len(loss) steps on images 0 to 2."""
  steps = len(loss)
  flags = np.zeros((steps, 3), bool)
  for step, row in broken:
    flags[step, row] = True
  return StepMetrics(
    losses={
      "depth": Weighted(np.float32(loss), np.float32(weight)),
      "normals": Weighted(np.zeros(steps, "f"), np.zeros(steps, "f")),
    },
    terms={"total/loss": np.float32(loss)},
    balancing={},
    gradient_norm=np.full(steps, gradient, np.float32),
    broken={"depth": flags, "normals": np.zeros_like(flags)},
    sample=np.tile(np.arange(3, dtype=np.int32), (steps, 1)),
  )


def test_row_holds_means_over_labels_and_steps():
  window = Window(IDS)
  window.add(0, metrics(loss=(1.0, 4.0), weight=(1.0, 3.0)))
  window.add(2, metrics(loss=(7.0,), weight=(0.0,), gradient=4.0))
  row = window.row()
  assert row["depth/loss"] == (1 + 4 + 7) / (1 + 3 + 0)
  assert row["total/loss"] == (1 + 4 + 7) / 3
  assert row["gradient/norm"] == (1 + 1 + 4) / 3
  assert math.isnan(row["normals/loss"])


def test_row_starts_anew():
  window = Window(IDS)
  window.add(0, metrics(loss=(5.0,)))
  window.row()
  window.add(1, metrics(loss=(2.0,)))
  assert window.row()["depth/loss"] == 2


def test_goes_on_from_the_sums_of_a_checkpoint():
  thirds = [metrics(loss=(1 / 3,), weight=(0.1,)) for _ in range(7)]
  whole, first = Window(IDS), Window(IDS)
  for step, values in enumerate(thirds):
    whole.add(step, values)
  for step, values in enumerate(thirds[:4]):
    first.add(step, values)
  second = Window(IDS, json.loads(json.dumps(first.read())))
  for step, values in enumerate(thirds[4:], 4):
    second.add(step, values)
  assert json.dumps(second.row()) == json.dumps(whole.row())


def test_reading_twice_counts_once():
  window = Window(IDS)
  window.add(0, metrics(loss=(3.0,)))
  window.read()
  assert window.read()["depth/loss"] == [3.0, 1.0]


def test_adding_does_not_wait(monkeypatch):
  window = Window(IDS)
  monkeypatch.setattr(jax, "device_get", lambda _: pytest.fail("read back"))
  window.add(0, metrics())


def test_broken_numbers_name_step_term_and_images():
  window = Window(IDS)
  window.add(10, metrics(loss=(1.0, 1.0, 1.0), weight=(1, 1, 1)))
  broken = metrics(loss=(1.0, np.nan), weight=(1, 1), broken=[(1, 0), (1, 2)])
  window.add(13, broken)
  with pytest.raises(NonFiniteError) as caught:
    window.read()
  text = str(caught.value)
  assert "at step 15" in text
  assert "in depth; images kitchen, attic." in text


@pytest.mark.parametrize("gradient", [np.nan, np.inf])
def test_broken_gradient_names_the_whole_batch(gradient):
  window = Window(IDS)
  window.add(0, metrics(gradient=gradient))
  with pytest.raises(NonFiniteError, match="the gradient alone") as caught:
    window.read()
  assert "images kitchen, hall, attic." in str(caught.value)
