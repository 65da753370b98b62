"""A signal to stop becomes a flag that is read between two dispatches."""

import itertools
import signal
import threading
import types
from typing import Any

import jax
from absl import logging
from jax.experimental import multihost_utils

# JAX makes the processes agree on one of these numbers, which must go on from
# run to run of an experiment.
_asked = itertools.count(1)


class Preemption:
  """Notes SIGTERM and SIGINT, so that the run can save and leave cleanly.

  A second SIGINT interrupts at once. Use as a context manager in the main
  thread; the earlier handlers come back at its end. With several processes JAX
  itself listens for SIGTERM, and all of them agree on the step to stop at.
  """

  def __init__(self) -> None:
    self._received: signal.Signals | None = None
    self._earlier: dict[signal.Signals, Any] = {}

  @property
  def received(self) -> str | None:
    """Name of the signal that came, such as "SIGTERM"; None if none did."""
    return self._received.name if self._received else None

  def should_stop(self) -> bool:
    """Return whether to save and leave now.

    With several processes each of them must ask equally often.

    Returns:
      True once a signal has come to one process, on all of them the same time.
    """
    if jax.process_count() > 1:
      asked = next(_asked)
      return bool(multihost_utils.reached_preemption_sync_point(asked))
    return self._received is not None

  def __enter__(self) -> "Preemption":
    if threading.current_thread() is not threading.main_thread():
      logging.warning("Not in the main thread: signals will end the run.")
    elif jax.process_count() == 1:
      for number in (signal.SIGTERM, signal.SIGINT):
        self._earlier[number] = signal.signal(number, self._note)
    return self

  def __exit__(self, *_: object) -> None:
    for number, handler in self._earlier.items():
      signal.signal(number, handler)
    self._earlier.clear()

  def _note(self, number: int, _: types.FrameType | None) -> None:
    if number == signal.SIGINT and self._received is signal.SIGINT:
      raise KeyboardInterrupt
    self._received = signal.Signals(number)
