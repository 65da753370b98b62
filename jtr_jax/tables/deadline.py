"""A limit of time for runs, which then save and stop as a signal makes them."""

import os
import signal
import time
import types
from typing import Any

_AGAIN = 2.0  # seconds until the signal is repeated


class Deadline:
  """Sends this process SIGTERM, again and again, once its time is over.

  Training notes the signal, saves and stops. Outside of training it is only
  noted here, which is why it is repeated. Use as a context manager in the main
  thread.

  Args:
    seconds: from now on; None for no limit.
  """

  def __init__(self, seconds: float | None) -> None:
    self._end = None if seconds is None else time.monotonic() + seconds
    self._was_signalled = False
    self._earlier: dict[signal.Signals, Any] = {}

  @property
  def is_over(self) -> bool:
    """Whether the time is over, or SIGTERM was received."""
    has_ended = self._end is not None and time.monotonic() >= self._end
    return has_ended or self._was_signalled

  def __enter__(self) -> "Deadline":
    if self._end is not None:
      for number, handler in (
        (signal.SIGTERM, self._note),
        (signal.SIGALRM, self._terminate),
      ):
        self._earlier[number] = signal.signal(number, handler)
      rest = max(self._end - time.monotonic(), 1e-3)
      signal.setitimer(signal.ITIMER_REAL, rest, _AGAIN)
    return self

  def __exit__(self, *_: object) -> None:
    if self._end is not None:
      signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in self._earlier.items():
      signal.signal(number, handler)
    self._earlier.clear()

  def _note(self, number: int, frame: types.FrameType | None) -> None:
    del number, frame
    self._was_signalled = True

  def _terminate(self, number: int, frame: types.FrameType | None) -> None:
    del number, frame
    os.kill(os.getpid(), signal.SIGTERM)
