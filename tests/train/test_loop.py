import os
import signal
from typing import NamedTuple

import chex
import jax
import numpy as np
import pytest

from jtr_jax.data.loading.order import Shuffled
from jtr_jax.train import loop
from jtr_jax.train.step_metrics import NonFiniteError
from jtr_jax.workdir.checkpoints import Checkpoints
from jtr_jax.workdir.metric_files import read_rows
from tests.train import tiny


class CrashError(Exception):
  """What happens when nobody expects it."""


class Finished(NamedTuple):
  state: loop.TrainState
  files: dict[str, bytes]


@pytest.fixture(scope="module")
def run():
  return tiny.make_run()


@pytest.fixture(scope="module", autouse=True)
def one_compilation(run):
  program = loop.run_dispatch(run)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(loop, "run_dispatch", lambda run: program)
    yield


def go(run, folder):
  """Train in a folder, and return what a run leaves behind."""
  folder.mkdir(exist_ok=True)
  with Checkpoints(
    folder / "checkpoints", metric="depth/abs_err", higher_is_better=False
  ) as checkpoints:
    state = loop.train(run, checkpoints, folder).state
  names = ("metrics.jsonl", "metrics.csv")
  files = {name: (folder / name).read_bytes() for name in names}
  return Finished(jax.device_get(state), files)


def at_step(run, step, act):
  """Return the run with something happening before the update of a step."""

  def fetch(index):
    if index == step - 1:
      act()
    return run.feed.fetch(index)

  return run._replace(feed=run.feed._replace(fetch=fetch))


def crash():
  raise CrashError


def terminate():
  os.kill(os.getpid(), signal.SIGTERM)


def steps_of(folder):
  with Checkpoints(folder / "checkpoints", read_only=True) as checkpoints:
    return checkpoints.steps


@pytest.fixture(scope="module")
def uninterrupted(run, tmp_path_factory):
  return go(run, tmp_path_factory.mktemp("uninterrupted"))


def assert_same(found, expected):
  assert found.files == expected.files
  chex.assert_trees_all_equal(found.state, expected.state)


def test_rows_stand_where_the_schedule_says(run, tmp_path):
  finished = go(run, tmp_path)
  rows = read_rows(tmp_path / "metrics.jsonl")
  assert finished.state.step == 12
  assert [(row["split"], row["step"], row["epoch"]) for row in rows] == [
    ("train", 5, 2),
    ("val", 6, 2),
    ("train", 10, 4),
    ("train", 12, 4),
    ("val", 12, 4),
  ]
  errors = {
    row["step"]: row["val/depth/abs_err"]
    for row in rows
    if row["split"] == "val"
  }
  best = min((6, 12), key=errors.__getitem__)
  assert steps_of(tmp_path) == sorted({8, 12, best})


# Before the first row, between two rows, after a row and after an evaluation.
@pytest.mark.parametrize("step", [3, 7, 10, 6])
def test_signal_saves_and_the_run_goes_on(
  step, run, uninterrupted, tmp_path, capsys
):
  stopped = go(at_step(run, step, terminate), tmp_path)
  assert stopped.state.step == step
  assert steps_of(tmp_path)[-1] == step
  message = f"Stopped at step {step}; repeat the command to resume."
  assert message in capsys.readouterr().err
  assert_same(go(run, tmp_path), uninterrupted)


def test_signal_in_the_last_step_changes_nothing(
  run, uninterrupted, tmp_path, capsys
):
  assert_same(go(at_step(run, 12, terminate), tmp_path), uninterrupted)
  assert "Stopped" not in capsys.readouterr().err


def test_crash_loses_only_what_was_not_saved(run, uninterrupted, tmp_path):
  for step in (2, 6, 8, 11):
    with pytest.raises(CrashError):
      go(at_step(run, step, crash), tmp_path)
  assert_same(go(run, tmp_path), uninterrupted)


def test_mixed_sources_go_on_where_they_stopped(run, tmp_path):
  mixed = run._replace(
    feed=tiny.make_mixed_feed(run.mesh), sample_ids=("?",) * 99
  )
  whole = go(mixed, tmp_path / "whole")
  for step in (6, 11):
    with pytest.raises(CrashError):
      go(at_step(mixed, step, crash), tmp_path / "crashed")
  assert_same(go(mixed, tmp_path / "crashed"), whole)


def test_finished_run_is_left_alone(run, uninterrupted, tmp_path):
  go(run, tmp_path)
  assert_same(go(at_step(run, 1, crash), tmp_path), uninterrupted)


def test_longer_run_goes_on(run, uninterrupted, tmp_path):
  go(run._replace(schedule=tiny.SCHEDULE._replace(total=6)), tmp_path)
  found = go(run, tmp_path)
  chex.assert_trees_all_equal(found.state, uninterrupted.state)


def test_saving_more_often_changes_nothing(run, uninterrupted, tmp_path):
  often = run._replace(schedule=tiny.SCHEDULE._replace(save=1))
  assert_same(go(often, tmp_path), uninterrupted)


def with_a_bad_label(run):
  """Return the run, with a depth that overflows in an image of step 3."""
  sample = int(
    Shuffled(0, tiny.IMAGES["train"]).rows(2 * tiny.BATCH, 1).sample[0]
  )
  constant = jax.device_get(run.feed.constant)
  depth = constant["stored"]["depth"].copy()
  depth[sample] = np.finfo(np.float32).max
  shown = constant["present"]["depth"].copy()
  shown[sample] = True
  constant["stored"]["depth"], constant["present"]["depth"] = depth, shown
  feed = run.feed._replace(constant=constant)
  return run._replace(feed=feed), run.sample_ids[sample]


def test_broken_numbers_stop_the_run(run, tmp_path):
  broken, image = with_a_bad_label(run)
  schedule = tiny.SCHEDULE._replace(save=1, evaluate=100)
  with pytest.raises(NonFiniteError) as caught:
    go(broken._replace(schedule=schedule), tmp_path)
  assert "at step 3" in str(caught.value)
  assert f"in depth; images {image}." in str(caught.value)
  with Checkpoints(tmp_path / "checkpoints") as checkpoints:
    shapes = jax.eval_shape(lambda: loop.start_state(run))
    restored = checkpoints.restore_latest(shapes)
  assert restored.step == 2
  chex.assert_tree_all_finite(restored.state)


def test_broken_numbers_are_not_evaluated(run, tmp_path):
  broken, _ = with_a_bad_label(run)
  schedule = tiny.SCHEDULE._replace(save=100, log=100, evaluate=3)
  evaluated = []
  with pytest.raises(NonFiniteError):
    go(broken._replace(schedule=schedule, evaluate=evaluated.append), tmp_path)
  assert evaluated == []
  assert (tmp_path / "metrics.jsonl").read_bytes() == b""
