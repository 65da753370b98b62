"""The row that tells of the joint space, beside a run's evaluations."""

import jax
import numpy as np
import optax
import pytest

from jtr_jax.train import diagnosis, loop
from tests.train import tiny
from tests.train.test_prediction_pictures import first_images

NAMES = {
  "distance",
  "distance_between_images",
  "reconstruction",
  "reconstruction_from_mean_code",
  "gradient_ratio",
  "gradient_cosine",
}


def test_a_row_that_leaves_the_state_as_it_is():
  run = tiny.make_run("paper")
  update = diagnosis.make_update(run.net, run.method, first_images("train"))
  state = loop.start_state(run)
  before = jax.device_get(state)
  after, row = update(state, {})
  assert after is state
  assert set(row) == NAMES
  assert np.all(np.isfinite(list(row.values())))
  assert row["gradient_ratio"] > 0
  assert -1 <= row["gradient_cosine"] <= 1
  same = jax.tree.map(np.array_equal, before, jax.device_get(after))
  assert all(jax.tree.leaves(same))


def test_gradients_are_those_of_the_two_parts_on_the_shared_features():
  """Two tasks' losses in place of the two parts: the ratio is known."""
  run = tiny.make_run("paper")
  method = run.method

  def twice(*arguments):
    found = method.diagnose(*arguments)
    return found._replace(regularizer=-3 * found.tasks)

  measure = diagnosis.make_measure(
    run.net, method._replace(diagnose=twice), first_images("train")
  )
  row = measure(loop.start_state(run))
  assert float(row["gradient_ratio"]) == pytest.approx(3, rel=1e-5)
  assert float(row["gradient_cosine"]) == pytest.approx(-1, rel=1e-5)


def test_methods_with_nothing_to_tell_have_no_row():
  run = tiny.make_run("supervised", optimizer=optax.sgd(0.1))
  images = first_images("train")
  assert diagnosis.make_update(run.net, run.method, images) is None
