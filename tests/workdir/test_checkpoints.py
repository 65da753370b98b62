import json
import logging
import math
import shutil

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.workdir.checkpoints import Checkpoints
from tests.workdir.saved_state import make_state


def test_round_trip_keeps_structure_and_bits(saved):
  with Checkpoints(saved, read_only=True) as checkpoints:
    restored = checkpoints.restore_latest(jax.eval_shape(lambda: make_state(0)))
  assert (restored.step, restored.extra) == (2, {"position": 14})
  chex.assert_trees_all_equal_structs(restored.state, make_state(2))
  chex.assert_trees_all_equal(restored.state, make_state(2))


def test_empty_directory_has_nothing_to_restore(tmp_path):
  with Checkpoints(tmp_path / "none") as checkpoints:
    assert checkpoints.restore_latest(make_state(0)) is None
    assert checkpoints.latest_step is None
    with pytest.raises(ValueError, match=r"no checkpoint 'best'.*steps none"):
      checkpoints.restore("best", make_state(0))


@pytest.mark.parametrize(
  ("higher", "values", "best", "kept"),
  [
    (True, [0.1, 0.5, 0.3, math.nan], 2, [2, 3, 4]),
    (False, [0.1, 0.5, math.inf, -math.inf], 1, [1, 3, 4]),
    (True, [0.5, 0.5, 0.2, None], 1, [1, 3, 4]),
    (True, [math.nan, math.nan, math.nan, math.nan], None, [3, 4]),
    (True, [0.1, 0.2, 0.3, 0.4], 4, [3, 4]),
  ],
)
def test_best_and_latest_stay(tmp_path, higher, values, best, kept):
  options = {"metric": "miou", "higher_is_better": higher, "keep_latest": 2}
  with Checkpoints(tmp_path, **options) as checkpoints:
    for step, value in enumerate(values, 1):
      metrics = None if value is None else {"miou": value, "loss": 1.0}
      checkpoints.save(step, {"x": jnp.float32(step)}, metrics=metrics)
  for read_only in (False, True):  # found again from what is on the disk
    with Checkpoints(tmp_path, **options, read_only=read_only) as checkpoints:
      assert checkpoints.steps == kept
      if best is None:
        assert checkpoints.best is None
        continue
      assert checkpoints.best == (best, values[best - 1])
      assert checkpoints.restore("best", {"x": jnp.float32(0)}).step == best


def test_missing_metric_is_an_error_before_anything_is_written(tmp_path):
  with Checkpoints(tmp_path, metric="miou") as checkpoints:
    with pytest.raises(ValueError, match="Did you mean 'mious'"):
      checkpoints.save(1, {"x": jnp.ones(2)}, metrics={"mious": 1.0})
    assert checkpoints.steps == []


def test_same_step_is_saved_once(tmp_path):
  with Checkpoints(tmp_path) as checkpoints:
    assert checkpoints.save(3, {"x": jnp.ones(2)})
    assert not checkpoints.save(3, {"x": jnp.zeros(2)})
    restored = checkpoints.restore_latest({"x": jnp.zeros(2)})
  chex.assert_trees_all_equal(restored.state, {"x": jnp.ones(2)})


def test_state_may_be_donated_while_it_is_being_saved(tmp_path):
  advance = jax.jit(lambda tree: tree["x"] + 1, donate_argnums=0)
  x = jnp.zeros((500, 500)) + 1
  with Checkpoints(tmp_path, keep_latest=5) as checkpoints:
    for step in range(1, 5):
      checkpoints.save(step, {"x": x})
      for _ in range(3):
        x = advance({"x": x})
    for step in range(1, 5):
      stored = checkpoints.restore(step, {"x": x}).state["x"]
      np.testing.assert_array_equal(stored, 3.0 * step - 2)


def test_interrupted_save_is_skipped_and_cleaned_by_the_next_run(copy):
  rest = copy / "3.orbax-checkpoint-tmp"
  shutil.copytree(copy / "2", rest)
  with Checkpoints(copy, read_only=True) as checkpoints:
    assert checkpoints.restore_latest(make_state(0)).step == 2
  assert rest.exists()
  with Checkpoints(copy) as checkpoints:
    checkpoints.save(3, make_state(3))
    assert checkpoints.restore_latest(make_state(0)).step == 3
  assert not rest.exists()


def test_keep_latest_must_be_positive(tmp_path):
  with pytest.raises(ValueError, match="keep_latest=0"):
    Checkpoints(tmp_path, keep_latest=0)


def test_reading_only_changes_nothing_and_is_quiet(saved, tmp_path, caplog):
  with Checkpoints(tmp_path / "none", read_only=True) as checkpoints:
    assert checkpoints.restore_latest(make_state(0)) is None
  assert not (tmp_path / "none").exists()
  with Checkpoints(saved, read_only=True) as checkpoints:
    assert checkpoints.steps == [1, 2]
  assert caplog.text == ""


def test_orbax_is_quiet_below_warnings(tmp_path, caplog):
  with caplog.at_level(logging.INFO), Checkpoints(tmp_path) as checkpoints:
    checkpoints.save(1, {"x": jnp.ones(2)})
  assert not [r for r in caplog.records if r.levelno < logging.WARNING]


def test_manifest_is_readable_json(saved):
  stored = json.loads((saved / "2" / "manifest.json").read_text())
  assert stored["arrays"]["params/encoder/kernel"] == "float32[40, 50]"
  assert "state/_METADATA" in stored["files"]
