"""How commands end: with their result, or with one message and a code."""

import argparse
import contextlib
import difflib
import os
import re
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn

from jtr_jax.core import errors

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes: for what cannot be done, not be understood, and for Ctrl-C."""


def run(work: Callable[[], int | None]) -> int:
  """Do the work of a command and return its exit code.

  Whatever is raised becomes one message. What nobody foresaw is told in one
  line too, with the file that its traceback is kept in.

  Args:
    work: returns the exit code, None for 0.
  """
  try:
    return work() or 0
  except KeyboardInterrupt:
    _write(_INTERRUPTED)
    return INTERRUPTED
  except BrokenPipeError:  # as when the output goes through `head`
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
  except Exception as error:
    _write(f"Error: {text_of(error)}")
    return FAILED


def exit_code(
  command: Callable[[argparse.Namespace], int], given: argparse.Namespace
) -> int:
  """Return the exit code of a command with arguments; see `run`."""
  return run(lambda: command(given))


def text_of(error: Exception) -> str:
  """Return what the user of a command is told of an error."""
  text = str(error)
  if errors.is_message(text):
    return text
  if isinstance(error, OSError):
    return errors.of_system(error)
  if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text:
    return errors.message(
      "There is not enough memory",
      found=_first_line(error),
      expected="room for a batch, the network and the images",
      do="Lower train.batch_size, evaluate.batch_size or the size of the "
      "images, or set data.placement=stream.",
    )
  return errors.message(
    "Something happened that jtr_jax does not foresee",
    found=f"{type(error).__name__}: {_first_line(error)}",
    expected="a result, or a message that says what to change",
    do=f"Please report it with its traceback, which is in {_log(error)}.",
  )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
  """End the program with one line if Ctrl-C comes while modules are loaded.

  Nothing has begun then. An exception would not do: compiled modules turn it
  into others.
  """
  if threading.current_thread() is not threading.main_thread():
    yield
    return

  def leave(*_: object) -> None:
    os.write(2, f"{_INTERRUPTED}\n".encode())
    os._exit(INTERRUPTED)

  before = signal.signal(signal.SIGINT, leave)
  try:
    yield
  finally:
    signal.signal(signal.SIGINT, before)


class Parser(argparse.ArgumentParser):
  """A parser whose errors have the form of all messages."""

  def error(self, message: str) -> NoReturn:
    """End the program, for its words cannot be understood."""
    first, *_ = self.format_usage().removeprefix("usage: ").split("\n\n")
    self.exit(
      MISUSED,
      "Error: "
      + errors.message(
        "The command line cannot be understood",
        found=_with_nearest(message),
        expected=" ".join(first.split()),
        do=f"`{self.prog} --help` explains it.",
      )
      + "\n",
    )


_INTERRUPTED = (
  "Interrupted. What was complete is kept; the same command resumes from it."
)


def _with_nearest(text: str) -> str:
  """Return argparse's text; of a wrong choice, with the one that is meant."""
  match = re.search(r"invalid choice: '?([^' ]+)'? \(choose from (.*)\)", text)
  if match is None:
    return text
  choices = [word.strip("' ") for word in match[2].split(",")]
  near = difflib.get_close_matches(match[1].lower(), choices, n=1)
  return f"{text}; did you mean {near[0]!r}?" if near else text


def _first_line(error: Exception) -> str:
  return str(error).strip().partition("\n")[0][:500] or type(error).__name__


def _log(error: Exception) -> str:
  """Write the traceback of an error to a file and return its path."""
  number, path = tempfile.mkstemp(prefix="jtr_jax_", suffix=".log", text=True)
  with open(number, "w", encoding="utf-8") as file:
    traceback.print_exception(error, file=file)
  return path


def _write(line: str) -> None:
  sys.stderr.write(line + "\n")
