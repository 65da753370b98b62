"""Checkpoints of processes that are killed, or have other devices."""

import os
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.workdir.checkpoints import Checkpoints

_KILLED = """
import os, random, signal, sys, time
import jax, numpy as np
from jtr_jax.workdir.checkpoints import Checkpoints
random.seed(0)

def state(step):
  return {"x": np.full((200, 50), step, np.float32), "y": np.int32(step)}

def train(news):
  with Checkpoints(sys.argv[1], keep_latest=1, metric="m") as checkpoints:
    restored = checkpoints.restore_latest(state(0))
    step = restored.step if restored else 0
    if restored:
      assert restored.extra == {"step": step}
      for name, value in restored.state.items():
        np.testing.assert_array_equal(value, state(step)[name])
    print("at", step, flush=True)
    os.write(news, b"1")
    while True:
      step += 1
      metrics = {"m": -abs(step - 3)}
      checkpoints.save(step, state(step), metrics=metrics, extra={"step": step})
      checkpoints.wait()
      print("saved", step, flush=True)
      os.write(news, b"1")

for saves in (3, 0, 1, 2):
  read, write = os.pipe()
  child = os.fork()
  if child == 0:
    try:
      train(write)
    finally:
      os._exit(1)
  os.close(write)
  assert os.read(read, 1), "ended before it began"
  for _ in range(saves):
    assert os.read(read, 1), "ended before it was killed"
  time.sleep(random.random() * 0.3)
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
from jtr_jax.workdir.checkpoints import Checkpoints
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
