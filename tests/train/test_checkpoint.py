import json
import logging
import math
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from jtr_jax.train import checkpoint_errors
from jtr_jax.train.checkpoint import Checkpoints


@struct.dataclass
class State:
  step: jax.Array
  params: dict
  opt_state: optax.OptState
  nothing: tuple = ()


def make_state(step: int, *, width: int = 50) -> State:
  params = {
    "encoder": {
      "kernel": jax.random.normal(jax.random.key(step), (40, width)),
      "bias": jnp.full((width,), step, jnp.bfloat16),
    },
    "flags": jnp.array([True, False]),
  }
  return State(jnp.int32(step), params, optax.adam(1e-3).init(params))


def damage(path: Path, how: str) -> None:
  content = bytearray(path.read_bytes())
  path.unlink()
  if how == "truncate":
    path.write_bytes(content[: len(content) // 2])
  elif how == "digit":
    path.write_bytes(content.replace(b'"position": 14', b'"position": 15'))
  elif how == "flip":
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def largest(paths: Iterable[Path]) -> Path:
  return max(paths, key=lambda path: path.stat().st_size)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
  directory = tmp_path_factory.mktemp("saved") / "checkpoints"
  with Checkpoints(directory) as checkpoints:
    for step in (1, 2):
      checkpoints.save(step, make_state(step), extra={"position": 7 * step})
  return directory


@pytest.fixture
def copy(saved, tmp_path):
  return shutil.copytree(saved, tmp_path / "checkpoints")


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


@pytest.mark.parametrize("how", ["truncate", "flip", "remove"])
@pytest.mark.parametrize("part", ["d/*", "ocdbt.process_0/d/*", "_METADATA"])
def test_damaged_checkpoint_names_file_and_remedy(copy, how, part):
  path = largest((copy / "2" / "state").glob(part))
  damage(path, how)
  with Checkpoints(copy) as checkpoints:
    with pytest.raises(
      ValueError, match=rf"checkpoints/2: .*{path.name}.*go on from step 1"
    ):
      checkpoints.restore_latest(make_state(0))
    assert checkpoints.restore(1, make_state(0)).step == 1


@pytest.mark.parametrize("how", ["truncate", "flip", "remove", "digit"])
def test_damaged_manifest_is_an_error(copy, how):
  damage(copy / "2" / "manifest.json", how)
  with (
    Checkpoints(copy) as checkpoints,
    pytest.raises(ValueError, match=r"cannot be read.*checkpoints/2"),
  ):
    checkpoints.restore_latest(make_state(0))


def test_foreign_checkpoint_lists_keys_and_shapes(saved):
  other = make_state(0, width=51)
  other.params["head"] = jnp.ones(3)
  del other.params["flags"]
  with (
    Checkpoints(saved, read_only=True) as checkpoints,
    pytest.raises(ValueError, match="another model") as caught,
  ):
    checkpoints.restore_latest(other)
  text = str(caught.value)
  assert "only in the checkpoint: params/flags" in text
  assert "missing in the checkpoint: params/head" in text
  assert "params/encoder/kernel float32[40, 50], not float32[40, 51]" in text


def test_other_dtype_and_empty_part_are_foreign(saved):
  state = make_state(0)
  with Checkpoints(saved, read_only=True) as checkpoints:
    with pytest.raises(ValueError, match=r"int32\[\], not float32\[\]"):
      checkpoints.restore(1, state.replace(step=jnp.float32(0)))
    with pytest.raises(ValueError, match="missing in the checkpoint: noth"):
      checkpoints.restore(1, state.replace(nothing=((),)))


def test_unknown_checkpoint_is_answered_with_the_known_steps(saved):
  with Checkpoints(saved, read_only=True) as checkpoints:
    for which in (7, "bset"):
      with pytest.raises(ValueError, match=f"no checkpoint {which!r}.*1, 2"):
        checkpoints.restore(which, make_state(0))


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


@pytest.fixture
def no_large_files():
  """Writes beyond 20 kB fail, as they do on a full disk."""
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
  resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_failing_disk_is_reported_and_keeps_the_earlier_one(
  tmp_path, no_large_files, caplog
):
  small, large = {"x": jnp.ones(2)}, {"x": jnp.asarray(np.random.rand(300, 99))}
  checkpoints = Checkpoints(tmp_path, keep_latest=1)
  checkpoints.save(1, small)
  checkpoints.wait()
  no_large_files()
  checkpoints.save(2, large)
  with pytest.raises(OSError, match=r"step 2 failed.*go(es)? on from step 1"):
    checkpoints.wait()
  assert checkpoints.restore_latest(small).step == 1
  checkpoints.close()
  assert "File too large" in caplog.text


def test_full_disk_has_its_number(tmp_path):
  why = ValueError("No space left on device [28]\nmore")
  error = checkpoint_errors.not_saved(
    tmp_path, 2, size=2**21, steps=[], why=why
  )
  assert error.errno == 28
  assert "2.0 MiB" in str(error)
  assert "Free some space" in str(error)


_KILLED = """
import os, random, signal, sys, time
import jax, numpy as np
from jtr_jax.train.checkpoint import Checkpoints
random.seed(0)

def state(step):
  return {"x": np.full((200, 50), step, np.float32), "y": np.int32(step)}

def train(begun):
  with Checkpoints(sys.argv[1], keep_latest=1, metric="m") as checkpoints:
    restored = checkpoints.restore_latest(state(0))
    step = restored.step if restored else 0
    if restored:
      assert restored.extra == {"step": step}
      for name, value in restored.state.items():
        np.testing.assert_array_equal(value, state(step)[name])
    print("at", step, flush=True)
    os.write(begun, b"1")
    while True:
      step += 1
      metrics = {"m": -abs(step - 3)}
      checkpoints.save(step, state(step), metrics=metrics, extra={"step": step})
      checkpoints.wait()
      print("saved", step, flush=True)

for _ in range(4):
  read, write = os.pipe()
  child = os.fork()
  if child == 0:
    try:
      train(write)
    finally:
      os._exit(1)
  os.close(write)
  assert os.read(read, 1), "ended before it began"
  time.sleep(random.random())
  os.kill(child, signal.SIGKILL)
  assert os.waitpid(child, 0)[1] == signal.SIGKILL, "ended before it was killed"
"""


def test_kill_at_any_moment_keeps_the_last_complete_one(tmp_path):
  ran = subprocess.run(
    [sys.executable, "-c", textwrap.dedent(_KILLED), str(tmp_path)],
    capture_output=True,
    text=True,
    timeout=60,
    env={**os.environ, "JAX_PLATFORMS": "cpu"},
  )
  assert ran.returncode == 0, ran.stderr[-3000:]
  complete, begun = 0, []
  for what, step in (line.split() for line in ran.stdout.splitlines()):
    if what == "at":
      begun.append(int(step))
      assert int(step) >= complete
    complete = int(step)
  assert len(begun) == 4
  assert begun[-1] > 3
  with Checkpoints(tmp_path, read_only=True, metric="m") as checkpoints:
    assert checkpoints.best == (3, 0.0)


_SHARDED = """
import sys
import jax, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jtr_jax.train.checkpoint import Checkpoints
mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
place = lambda spec: NamedSharding(mesh, PartitionSpec(*spec))
state = {
  "split": jax.device_put(np.arange(16.0, dtype=np.float32), place(["data"])),
  "whole": jax.device_put(np.arange(3), place([])),
}
with Checkpoints(sys.argv[1]) as checkpoints:
  checkpoints.save(1, state)
  assert checkpoints.restore_latest(state).state["split"].sharding == (
    state["split"].sharding)
"""


def test_saved_from_four_devices_restores_on_one(tmp_path):
  flags = "--xla_force_host_platform_device_count=4"
  subprocess.run(
    [sys.executable, "-c", _SHARDED, str(tmp_path)],
    check=True,
    env={**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags},
  )
  abstract = {
    "split": jax.ShapeDtypeStruct((16,), jnp.float32),
    "whole": jax.ShapeDtypeStruct((3,), jnp.int32),
  }
  with Checkpoints(tmp_path, read_only=True) as checkpoints:
    state = checkpoints.restore_latest(abstract).state
  np.testing.assert_array_equal(state["split"], np.arange(16.0))
  assert len(state["split"].devices()) == 1


def test_manifest_is_readable_json(saved):
  stored = json.loads((saved / "2" / "manifest.json").read_text())
  assert stored["arrays"]["params/encoder/kernel"] == "float32[40, 50]"
  assert "state/_METADATA" in stored["files"]
