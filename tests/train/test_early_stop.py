"""Evaluations that end a run, or the learning rate's fall, and a restart."""

import chex
import jax
import optax
import pytest

from jtr_jax.train import loop, plateau
from jtr_jax.train.averaging import Averaging
from jtr_jax.train.dispatch import replicated
from jtr_jax.train.plateau import EarlyStop
from jtr_jax.train.schedules import staircase
from jtr_jax.train.update_rules import sgd
from jtr_jax.workdir.checkpoints import Checkpoints
from jtr_jax.workdir.metric_files import read_rows
from tests.train import tiny
from tests.train.test_loop import CrashError, at_step, crash

METRIC = "depth/abs_err"
VALUES = {2: 3.0, 4: 2.0, 6: 2.5, 8: 2.0, 10: 1.0, 12: 5.0}
SCHEDULE = tiny.SCHEDULE._replace(evaluate=2, save=1)


@pytest.fixture(scope="module")
def run():
  """A run whose evaluations are made up; averages, and a rate that falls."""
  rule = sgd(staircase(1e-2, 1.0, 1), momentum=0.9)
  plain = tiny.make_run(
    optimizer=optax.chain(rule, plateau.reduce_on_plateau())
  )
  update = plateau.make_update(
    METRIC, -1, factor=0.5, patience=0, sharding=replicated(plain.mesh)
  )
  return plain._replace(
    schedule=SCHEDULE,
    averaging=Averaging(0.9),
    evaluate=lambda state: {METRIC: VALUES[int(state.step)]},
    updates={"optimizer": update},
    early_stop=EarlyStop(METRIC, -1, patience=2),
  )


@pytest.fixture(scope="module", autouse=True)
def one_compilation(run):
  program = loop.run_dispatch(run)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(loop, "run_dispatch", lambda run: program)
    yield


def go(run, folder):
  folder.mkdir(exist_ok=True)
  with Checkpoints(
    folder / "checkpoints", metric=METRIC, higher_is_better=False
  ) as checkpoints:
    trained = loop.train(run, checkpoints, folder)
  rows = (folder / "metrics.jsonl").read_bytes()
  return trained._replace(state=jax.device_get(trained.state)), rows


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
  folder = tmp_path_factory.mktemp("whole") / "run"
  return *go(run, folder), folder


def test_ends_after_two_evaluations_that_were_not_better(whole):
  trained, _, folder = whole
  assert int(trained.state.step) == 8
  assert (trained.finished, trained.waited) == (True, 2)
  factors = [
    row["optimizer/rate_factor"]
    for row in read_rows(folder / "metrics.jsonl")
    if row["split"] == "optimizer"
  ]
  assert factors == [1, 1, 0.5, 0.25]


def test_killed_anywhere_it_ends_with_the_same_bytes(run, whole, tmp_path):
  for step in (3, 7, 8):
    with pytest.raises(CrashError):
      go(at_step(run, step, crash), tmp_path / "run")
  trained, rows = go(run, tmp_path / "run")
  assert rows == whole[1]
  assert trained._replace(state=None) == whole[0]._replace(state=None)
  chex.assert_trees_all_equal(trained.state, whole[0].state)


def test_an_ended_run_is_left_alone(run, tmp_path):
  go(run, tmp_path / "run")
  trained, _ = go(at_step(run, 9, crash), tmp_path / "run")
  assert trained.finished
  assert int(trained.state.step) == 8


def test_more_patience_goes_on(run, tmp_path):
  go(run, tmp_path / "run")
  patient = run._replace(early_stop=EarlyStop(METRIC, -1, patience=3))
  trained, _ = go(patient, tmp_path / "run")
  assert int(trained.state.step) == 12
  assert (trained.finished, trained.waited) == (True, 1)


def test_averages_are_of_the_network_and_evaluated(whole):
  state = whole[0].state
  params, model_state = state.to_evaluate
  kernel = lambda tree: tree["encoder"]["encoder0"]["conv0"]["kernel"]
  mean = lambda tree: tree["encoder"]["encoder0"]["norm0"]["mean"]
  assert (kernel(params) != kernel(state.params)).all()
  assert (mean(model_state) != mean(state.model_state)).all()
