import io

import pytest

from jtr_jax.train.progress import Progress


class Clock:
  def __init__(self):
    self.now = 100.0

  def __call__(self):
    return self.now


class Terminal(io.StringIO):
  def isatty(self):
    return True


def run(file, *, seconds, start=0, total=100, steps=6):
  clock = Clock()
  with Progress(
    total, start=start, every_seconds=30, file=file, clock=clock
  ) as progress:
    for step in range(start + 10, start + 10 * steps + 1, 10):
      clock.now += seconds
      progress.update(step, losses={"depth": 1 / step}, images=40)
    return progress.images_per_second


def test_lines_come_at_intervals_and_at_the_end():
  file = io.StringIO()
  speed = run(file, seconds=20)
  assert speed == pytest.approx(2.0)
  assert file.getvalue().splitlines() == [
    "step 10/100 10% | depth 0.1 | 2 images/s | 3:00 left",
    "step 30/100 30% | depth 0.03333 | 2 images/s | 2:20 left",
    "step 50/100 50% | depth 0.02 | 2 images/s | 1:40 left",
    "step 60/100 60% | depth 0.01667 | 2 images/s | 1:20 left",
  ]


def test_last_line_is_not_repeated():
  file = io.StringIO()
  run(file, seconds=40)
  assert len(file.getvalue().splitlines()) == 6


def test_resumed_run_counts_only_its_own_steps():
  file = io.StringIO()
  run(file, seconds=3600, start=1000, total=1020, steps=1)
  assert file.getvalue() == (
    "step 1010/1020 99% | depth 0.0009901 | 0.0111 images/s | 1:00:00 left\n"
  )


def test_time_left_counts_no_compilation():
  clock, file = Clock(), io.StringIO()
  with Progress(100, file=file, clock=clock) as progress:
    progress.compiling()
    clock.now += 500
    progress.restart()
    clock.now += 1
    progress.update(1, losses={}, images=4)
  assert file.getvalue().splitlines() == [
    "step 0/100 | compiling",
    "step 1/100 1% |  | 4 images/s | 1:39 left",
  ]


def test_terminal_has_a_bar():
  file = Terminal()
  run(file, seconds=20)
  assert "60/100" in file.getvalue()
  assert "1:20 left" in file.getvalue()
  assert "step 10/100" not in file.getvalue()


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_message_is_a_line_of_its_own(kind):
  file = kind()
  with Progress(10, file=file) as progress:
    progress.message("saved")
  assert "saved\n" in file.getvalue()
