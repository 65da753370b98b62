"""Starts a command as several processes, with launch/local.py."""

import importlib.util
import os
import pathlib
import subprocess
import sys

from tests import ROOT

FILE = ROOT / "launch" / "local.py"
_SPEC = importlib.util.spec_from_file_location("local", FILE)
local = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(local)
free_port = local._free_port


def start(processes, devices, module, *words, **environment):
  """Start `python -m module` so many times, each with its devices."""
  return subprocess.Popen(
    [
      sys.executable,
      FILE,
      f"--processes={processes}",
      f"--devices={devices}",
      f"--module={module}",
      "--",
      *words,
    ],
    env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def run(*words, **environment):
  """Start and wait for it."""
  process = start(*words, **environment)
  output, shown = process.communicate()
  code = process.returncode
  return subprocess.CompletedProcess(process.args, code, output, shown)


def pids(process):
  """Return the ids of the processes that a launcher has started."""
  place = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
  return [int(word) for word in place.read_text().split()]
