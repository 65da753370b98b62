"""Runs commands inside the process of the tests, as a shell would."""

import importlib
import shlex
import sys
import traceback
import zlib
from typing import NamedTuple

from absl import app
from absl.testing import flagsaver

from jtr_jax.config import flag

_OF_FLAGS = ("main", "compare", "benchmark.__main__")
COMMANDS = {
  "main": "main",
  "compare": "compare",
  "benchmark": "benchmark.__main__",
  "data": "data.__main__",
  "weights": "weights.__main__",
  "tables": "tables.__main__",
  "verify": "verify.__main__",
}


class Ended(NamedTuple):
  """How a command ended: its exit code, and what it printed."""

  code: int
  printed: str


def run(command, words, capture):
  """Run a command to its end.

  Args:
    command: a key of `COMMANDS`.
    words: of the command line.
    capture: pytest's capfd.
  """
  module = importlib.import_module(f"jtr_jax.{COMMANDS[command]}")
  capture.readouterr()
  try:
    with flagsaver.flagsaver():
      code = _start(module, COMMANDS[command], words)
  except SystemExit as end:
    code = end.code
  except BaseException:
    traceback.print_exc()
    code = 1
  if isinstance(code, str):
    sys.stderr.write(code)
    code = 1
  out, err = capture.readouterr()
  return Ended(code or 0, out + err)


def _start(module, name, words):
  if name not in _OF_FLAGS:
    return module.main(words)
  argv = [f"jtr_jax/{name}.py", *words]
  before, sys.argv = sys.argv, argv
  app._run_init.done = True  # its handlers are those of pytest here
  app._register_and_parse_flags_with_usage.done = False
  try:
    return flag.run(module.main)
  finally:
    sys.argv = before


def listing(folder):
  """Return what lies below a folder: path -> checksum of a file."""
  return {
    str(path): zlib.crc32(path.read_bytes()) if path.is_file() else None
    for path in folder.rglob("*")
  }


def split(words, here):
  """Return the words of a row."""
  return shlex.split(words.replace("{here}", str(here)))
