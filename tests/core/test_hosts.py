import json
import subprocess
import sys
import time

import jax
import pytest

from jtr_jax.core import hosts
from tests import launched


@pytest.fixture(scope="module")
def both(tmp_path_factory):
  """What each of two processes got."""
  folder = tmp_path_factory.mktemp("hosts")
  done = launched.run(2, 1, "tests.core.hosts_calls", str(folder))
  assert done.returncode == 0, done.stderr
  lines = [x for x in done.stdout.splitlines() if x.startswith("{")]
  first, second = sorted(map(json.loads, lines), key=lambda x: x["first"])
  return first, second


def test_values_are_exchanged_and_agreed_on(both):
  for found in both:
    assert found["exchange"] == [{"me": 0}, {"me": 1}]
    assert found["agree"] == "said by 0"


def test_primary_is_first(both):
  for number, found in enumerate(both):
    assert found["first"] == number
    assert found["order"] == "0\n1\n"


def test_failure_of_one_reaches_all(both):
  assert both[0]["failure"] == "PeerError: Process 1 of 2 says: disk full"
  assert both[1]["failure"] == "OSError: disk full"


def test_what_differs_is_told_by_all(both):
  for found in both:
    assert found["same"] == ""
    assert "differ in their tasks" in found["differ"]


def test_workdirs_on_different_disks_are_refused(both):
  for found in both:
    assert found["shared"] == ""
    assert not found["left"]
    assert "Not all processes see the same workdir" in found["own disks"]
    assert "not there for process 1" in found["own disks"]


def test_primary_alone_writes(both):
  assert [found["wrote"] for found in both] == [True, False]


def test_process_that_is_killed_ends_the_others():
  done = launched.run(2, 1, "tests.core.lost_peer")
  assert done.returncode == hosts.LOST
  assert "Another process of this run has ended" in done.stderr
  assert "Process 1 was ended by SIGKILL" in done.stderr
  assert "Traceback" not in done.stderr


def test_single_process_is_alone():
  assert hosts.is_alone()
  assert hosts.is_primary()
  assert hosts.exchange((1, 2)) == [[1, 2]]
  assert hosts.agree("x") == "x"
  assert hosts.primary_first(lambda: 3) == 3
  assert not hosts.is_lost(jax.errors.JaxRuntimeError("out of memory"))


@pytest.mark.parametrize(
  ("environment", "joins"),
  [
    ({}, True),
    ({"SLURM_NTASKS": "2"}, True),
    ({"SLURM_NTASKS": "1"}, False),
    ({"KUBERNETES_SERVICE_HOST": "x"}, False),
    ({"KUBERNETES_SERVICE_HOST": "x", "JOB_COMPLETION_INDEX": "0"}, True),
  ],
)
def test_jax_looks_for_others_unless_there_are_none(
  environment, joins, monkeypatch
):
  asked = []

  def join():
    asked.append("jax")
    raise ValueError("coordinator_address should be defined.")

  monkeypatch.setattr(hosts, "_join", join)
  for name, value in environment.items():
    monkeypatch.setenv(name, value)
  hosts.initialize()
  assert bool(asked) == joins


@pytest.mark.parametrize(
  "given", [("a:1", 0, -1), ("", 2, 1), ("a:1", 2, 2), ("", 0, 0)]
)
def test_incomplete_description_is_refused(given):
  with pytest.raises(ValueError, match="not described completely"):
    hosts.initialize(*given)


_ALONE = """
from jtr_jax.core import hosts
hosts.START_SECONDS = 2
hosts.initialize("localhost:{port}", 2, {process})
"""


@pytest.mark.parametrize("process", [0, 1])
def test_process_that_never_starts_is_told_in_time(process):
  code = _ALONE.format(port=launched.free_port(), process=process)
  begin = time.monotonic()
  done = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True
  )
  assert done.returncode == hosts.LOST
  assert "Not all processes of this run have come" in done.stderr
  assert f"process {process} has waited 2 s" in done.stderr
  assert time.monotonic() - begin < 60
