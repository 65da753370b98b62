"""Two processes with two devices each train what one with four trains."""

import os
import re
import signal
import time

import numpy as np
import pytest

from jtr_jax.workdir.metric_files import read_rows
from tests import launched, small_config

FEW = {
  "data__placement": "stream",
  "train__epochs": 24,
  "train__steps_per_dispatch": 2,
  "optimizer__name": "sgd",  # see process_cases
  "evaluate__every_epochs": 12,
  "checkpoint__every_epochs": 1,
  "log__every_steps": 2,
}


@pytest.fixture(scope="module")
def start(rooms, tmp_path_factory):
  """Return the function that starts the run in a workdir."""
  cache = str(tmp_path_factory.mktemp("cache"))  # restarts do not compile
  config, *fields = small_config.flags(rooms, **FEW)

  def started(folder, processes, devices):
    return launched.start(
      processes,
      devices,
      "jtr_jax.main",
      f"{config},balancing=amtl",
      *fields,
      f"--workdir={folder}",
      JAX_COMPILATION_CACHE_DIR=cache,
      JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )

  return started


@pytest.fixture(scope="module")
def expected(start, tmp_path_factory):
  """The workdir of one process with four devices."""
  folder = tmp_path_factory.mktemp("one") / "run"
  process = start(folder, 1, 4)
  _, shown = process.communicate()
  assert process.returncode == 0, shown
  return folder


def wait_for_a_row(process, path):
  while not path.exists() or not path.read_bytes():
    assert process.poll() is None, process.communicate()[1]
    time.sleep(0.02)


def test_two_processes_stopped_by_one_and_resumed_by_one_end_alike(
  start, expected, tmp_path
):
  folder = tmp_path / "run"
  process = start(folder, 2, 2)
  wait_for_a_row(process, folder / "metrics.jsonl")
  os.kill(launched.pids(process)[1], signal.SIGTERM)
  _, shown = process.communicate()
  assert process.returncode == 143, shown
  assert len(re.findall(r"Stopped at step \d+", shown)) == 1

  process = start(folder, 1, 4)
  printed, shown = process.communicate()
  assert process.returncode == 0, shown
  assert printed == (folder / "RESULT.md").read_text()

  found, wanted = (read_rows(w / "metrics.jsonl") for w in (folder, expected))
  assert [row.keys() for row in found] == [row.keys() for row in wanted]
  losses = [
    [list(row.values())[3:] for row in rows if row["split"] == "train"]
    for rows in (found, wanted)
  ]
  assert len(losses[0]) == 24
  # Sums over four devices are in another order among two processes; of such
  # rounding the losses tell from about the thirtieth step on.
  first = (rows[:12] for rows in losses)
  np.testing.assert_allclose(*first, rtol=1e-4, atol=1e-5)
