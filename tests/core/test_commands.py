import errno
import signal
from pathlib import Path

import pytest

from jtr_jax.core import commands, errors, memory


def failing(error):
  def work():
    raise error

  return work


@pytest.mark.parametrize(
  ("error", "says"),
  [
    (ValueError("A. Found: b. Expected: c. D."), "Error: A. Found: b. Exp"),
    (FileNotFoundError(2, "No such file", "x"), "missing. Found: x: No such"),
    (OSError(errno.ENOSPC, "No space left"), "The disk is full"),
    (OSError(errno.EROFS, "Read-only", "x"), "may not be used. Found: x"),
    (OSError(errno.ENAMETOOLONG, "Too long", "x"), "too long for the disk"),
    (MemoryError(), "There is not enough memory"),
    (RuntimeError("RESOURCE_EXHAUSTED: 8 TB"), "Found: RESOURCE_EXHAUSTED"),
  ],
)
def test_what_is_raised_becomes_one_message(error, says, capsys):
  assert commands.run(failing(error)) == commands.FAILED
  shown = capsys.readouterr().err
  assert says in shown
  assert shown.count("\n") == 1
  assert errors.is_message(shown)


def test_what_nobody_foresaw_is_kept_in_a_file(capsys):
  assert commands.run(failing(KeyError("tsak"))) == commands.FAILED
  shown = capsys.readouterr().err
  assert "KeyError: 'tsak'" in shown
  assert shown.count("\n") == 1
  path = Path(shown.split("which is in ")[1].rstrip(".\n"))
  assert "in work" in path.read_text()
  path.unlink()


def test_interrupt_is_one_line_with_its_own_code(capsys):
  assert commands.run(failing(KeyboardInterrupt())) == commands.INTERRUPTED
  assert capsys.readouterr().err.count("\n") == 1


def test_handler_of_interrupts_comes_back():
  before = signal.getsignal(signal.SIGINT)
  with commands.interruptible():
    assert signal.getsignal(signal.SIGINT) is not before
  assert signal.getsignal(signal.SIGINT) is before


def test_parser_names_what_it_found_and_the_nearest(capsys):
  parser = commands.Parser(prog="program")
  parser.add_argument("name", choices=["rooms", "folder"])
  with pytest.raises(SystemExit) as end:
    parser.parse_args(["romms"])
  assert end.value.code == commands.MISUSED
  shown = capsys.readouterr().err
  assert "did you mean 'rooms'" in shown
  assert errors.is_message(shown)


def test_memory_that_is_not_there_is_refused():
  memory.require(memory.total(), "All of it", do="Nothing.")
  with pytest.raises(ValueError, match=r"at least 8\.0 TiB needed"):
    memory.require(2**43, "A claim", do="Nothing.")
  with pytest.raises(ValueError, match=r"at most 1\.0 MiB"):
    memory.require(2**21, "A claim", do="Nothing.", available=2**20)
