import os
import signal
import threading

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils

from jtr_jax.train.preemption import Preemption


@pytest.fixture(autouse=True)
def default_interrupt():
  """A program in the background, as tests may be, ignores SIGINT."""
  earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
  yield
  signal.signal(signal.SIGINT, earlier)


def send(number):
  os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_becomes_a_flag_and_handlers_come_back(number):
  earlier = signal.getsignal(number)
  with Preemption() as preemption:
    assert not preemption.should_stop()
    assert preemption.received is None
    send(number)
    assert preemption.should_stop()
    assert preemption.received == number.name
  assert signal.getsignal(number) is earlier


def test_second_interrupt_is_immediate():
  with Preemption() as preemption:
    send(signal.SIGTERM)
    send(signal.SIGINT)
    assert preemption.received == "SIGINT"
    with pytest.raises(KeyboardInterrupt):
      send(signal.SIGINT)
  assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_sigterm_does_not_interrupt():
  with Preemption() as preemption:
    send(signal.SIGTERM)
    send(signal.SIGTERM)
    assert preemption.should_stop()


def test_other_threads_are_warned(caplog):
  def run():
    with Preemption() as preemption:
      assert not preemption.should_stop()

  thread = threading.Thread(target=run)
  thread.start()
  thread.join()
  assert "Not in the main thread" in caplog.text


def test_several_processes_agree_on_numbers_that_go_on(monkeypatch):
  earlier, asked = signal.getsignal(signal.SIGTERM), []
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(
    multihost_utils, "reached_preemption_sync_point", asked.append
  )
  for _ in range(2):  # two runs of an experiment
    with Preemption() as preemption:
      assert signal.getsignal(signal.SIGTERM) is earlier
      assert not preemption.should_stop()
      assert not preemption.should_stop()
  assert np.diff(asked).tolist() == [1, 1, 1]
