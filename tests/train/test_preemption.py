import os
import signal
import threading

import jax
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
    assert not preemption.should_stop(1)
    assert preemption.received is None
    send(number)
    assert preemption.should_stop(2)
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
    assert preemption.should_stop(1)


def test_other_threads_are_warned(caplog):
  def run():
    with Preemption() as preemption:
      assert not preemption.should_stop(1)

  thread = threading.Thread(target=run)
  thread.start()
  thread.join()
  assert "Not in the main thread" in caplog.text


def test_several_processes_agree(monkeypatch):
  earlier = signal.getsignal(signal.SIGTERM)
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(
    multihost_utils, "reached_preemption_sync_point", lambda step: step == 7
  )
  with Preemption() as preemption:
    assert signal.getsignal(signal.SIGTERM) is earlier
    assert [preemption.should_stop(step) for step in (6, 7)] == [False, True]
