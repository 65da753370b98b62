import json
import multiprocessing
import os
import platform
import signal
import threading
import time

import pytest

from jtr_jax.workdir import lock


def hold(folder, is_held):
  """Hold the lock of a workdir until killed."""
  with lock.held(folder):
    is_held.set()
    time.sleep(60)


@pytest.fixture
def other(tmp_path):
  """A process that holds the lock of tmp_path / "run"."""
  context = multiprocessing.get_context("forkserver")
  is_held = context.Event()
  process = context.Process(target=hold, args=(tmp_path / "run", is_held))
  process.start()
  assert is_held.wait(60)
  yield process
  process.kill()
  process.join()


def test_second_process_is_told_of_the_first_and_takes_over_after_a_kill(
  other, tmp_path
):
  folder = tmp_path / "run"
  with (
    pytest.raises(ValueError, match="Another run is under way") as caught,
    lock.held(folder),
  ):
    pass
  assert f"process {other.pid} on {platform.node()}" in str(caught.value)
  os.kill(other.pid, signal.SIGKILL)
  other.join()
  assert (folder / lock.NAME).exists()  # stale
  with lock.held(folder):
    owner = json.loads((folder / lock.NAME).read_text())
    assert owner == {"host": platform.node(), "pid": os.getpid()}
  assert not (folder / lock.NAME).exists()


def test_folder_that_stays_empty_goes_away_again(tmp_path):
  with lock.held(tmp_path / "a" / "b"):
    assert (tmp_path / "a" / "b").is_dir()
  assert not (tmp_path / "a").exists()
  with lock.held(tmp_path / "a" / "b"):
    (tmp_path / "a" / "b" / "metrics.jsonl").touch()
  assert (tmp_path / "a" / "b" / "metrics.jsonl").exists()


def test_lock_of_another_machine_counts_while_it_is_touched(tmp_path, capsys):
  path = tmp_path / lock.NAME
  path.write_text(json.dumps({"host": "elsewhere", "pid": 7}))
  is_over = threading.Event()

  def touch():
    while not is_over.wait(0.02):
      os.utime(path)

  alive = threading.Thread(target=touch)
  alive.start()
  with (
    pytest.raises(ValueError, match="process 7 on elsewhere"),
    lock.held(tmp_path, dead_seconds=2),
  ):
    pass
  is_over.set()
  alive.join()
  with lock.held(tmp_path, dead_seconds=0.2):
    assert json.loads(path.read_text())["pid"] == os.getpid()
  assert "looking for" in capsys.readouterr().err


def test_holder_gives_signs_of_life(tmp_path):
  with lock.held(tmp_path, touch_seconds=0.02):
    path = tmp_path / lock.NAME
    os.utime(path, (1, 1))
    end = time.monotonic() + 10
    while path.stat().st_mtime < 2 and time.monotonic() < end:
      time.sleep(0.01)
    assert path.stat().st_mtime > 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_damaged_lock_that_nobody_holds_is_taken(tmp_path, content):
  (tmp_path / lock.NAME).write_text(content)
  if "pid" in content:
    content = content.replace("}", f', "host": "{platform.node()}"}}')
    (tmp_path / lock.NAME).write_text(content)
  with lock.held(tmp_path):
    pass
