"""How far the run is: a bar in a terminal, a line now and then in a file."""

import collections
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from tqdm import tqdm

from jtr_jax.core import hosts

_WINDOW = 20


class Progress:
  """Shows steps, losses, images a second and the time that is left.

  Of several processes that train as one, process 0 alone shows them. Use as a
  context manager.
  """

  def __init__(
    self,
    total: int,
    *,
    start: int = 0,
    every_seconds: float = 30.0,
    file: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
  ):
    """Start the display.

    Args:
      total: steps of the whole run.
      start: steps done before, when it was resumed.
      every_seconds: seconds between two lines where there is no terminal.
      file: where to write, standard error if None.
      clock: returns seconds.
    """
    self._total, self._step, self._clock = total, start, clock
    self._every, self._file = every_seconds, file or sys.stderr
    self._is_shown = hosts.is_primary()
    self._marks = collections.deque([(clock(), start, 0)], maxlen=_WINDOW)
    self._images = 0
    self._shown_at: float | None = None
    self._text = ""
    self._bar = None
    if self._is_shown and self._file.isatty():
      self._bar = tqdm(
        total=total,
        initial=start,
        file=self._file,
        dynamic_ncols=True,
        unit="step",
        bar_format="{percentage:3.0f}%|{bar}| {n}/{total}{postfix}",
      )

  @property
  def images_per_second(self) -> float:
    """Images a second over the last updates; 0 before the first."""
    return self._rate(2)

  def update(
    self, step: int, *, losses: Mapping[str, float], images: int
  ) -> None:
    """Show where the run is.

    Args:
      step: steps done so far.
      losses: by task.
      images: how many images were seen since the last update.
    """
    self._step = step
    self._images += images
    self._marks.append((self._clock(), step, self._images))
    shown = " ".join(f"{name} {value:.4g}" for name, value in losses.items())
    self._text = (
      f"{shown} | {self.images_per_second:.3g} images/s | "
      f"{_duration(self._seconds_left())} left"
    )
    if self._bar is not None:
      self._bar.set_postfix_str(self._text, refresh=False)
      self._bar.update(step - self._bar.n)
    elif self._is_due():
      self._write_line()

  def compiling(self) -> None:
    """Show that the next call compiles, which can take minutes."""
    if self._bar is not None:
      self._bar.set_postfix_str("compiling", refresh=True)
    else:
      self.message(f"step {self._step}/{self._total} | compiling")

  def restart(self) -> None:
    """Measure speed from now on, as after a compilation."""
    self._marks.clear()
    self._marks.append((self._clock(), self._step, self._images))

  def message(self, text: str) -> None:
    """Write a line of its own, above the bar if there is one.

    Args:
      text: the line.
    """
    if self._bar is not None:
      self._bar.write(text, file=self._file)
    elif self._is_shown:
      self._file.write(text + "\n")
      self._file.flush()

  def close(self) -> None:
    """Stop the display; the last update remains visible."""
    if self._bar is not None:
      self._bar.close()
    elif self._text:
      self._write_line()
    self._text = ""

  def __enter__(self) -> "Progress":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _rate(self, column: int) -> float:
    first, last = self._marks[0], self._marks[-1]
    seconds = last[0] - first[0]
    return (last[column] - first[column]) / seconds if seconds > 0 else 0.0

  def _seconds_left(self) -> float | None:
    rate = self._rate(1)
    return (self._total - self._step) / rate if rate > 0 else None

  def _is_due(self) -> bool:
    now = self._marks[-1][0]
    return self._shown_at is None or now - self._shown_at >= self._every

  def _write_line(self) -> None:
    self._shown_at = self._marks[-1][0]
    share = 100 * self._step / max(self._total, 1)
    self.message(f"step {self._step}/{self._total} {share:.0f}% | {self._text}")
    self._text = ""


def _duration(seconds: float | None) -> str:
  if seconds is None:
    return "?"
  minutes, second = divmod(round(seconds), 60)
  hours, minute = divmod(minutes, 60)
  return (
    f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
  )
