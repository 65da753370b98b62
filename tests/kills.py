"""Kills runs at random moments, and compares them with one never killed.

    python -m tests.kills jtr --kills=100 --seed=3

prints a row of the tables in docs/results/resume.md. Runs are forked from a
process that has imported everything, so that a start takes a second or two.
"""

import argparse
import multiprocessing
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
from typing import NamedTuple

from tests import small_config

METHODS = {
  "jtr": (),
  "balanced": (f"{small_config.FILE},balancing=ial",),
  "must": (small_config.FILE.replace("rooms_demo", "rooms_must"),),
}
"""Name -> the config, if it is another one than that of `small_config`."""

FILES = ("metrics.jsonl", "metrics.csv", "RESULT.md", "labels.tsv")


class Moments(NamedTuple):
  """What a run was doing when it was killed, counted.

  Attributes:
    kills: all of them.
    before: how many came before the first row of metrics.
    saving: how many left a checkpoint that was not complete.
  """

  kills: int
  before: int
  saving: int


def words(method, directory, folder, **changes):
  """Return the command line of a run."""
  found = small_config.flags(directory, **changes)
  if METHODS[method]:
    found[0] = f"--config={METHODS[method][0]}"
  if method == "must":
    found = [w for w in found if "evaluate.pictures" not in w]
  return [*found, f"--workdir={folder}"]


def start(command):
  """Start a run in a process of its own."""
  context = multiprocessing.get_context("forkserver")
  context.set_forkserver_preload(["tests.kill_target"])
  log = pathlib.Path(command[-1].removeprefix("--workdir=") + ".log")
  process = context.Process(target=_train, args=(command, log))
  process.start()
  return process


def finish(command):
  """Run to the end; return the seconds that it took."""
  since, process = time.monotonic(), start(command)
  process.join()
  assert process.exitcode == 0, f"see the log of {command[-1]}"
  return time.monotonic() - since


def kill_and_resume(command, folder, *, kills, draw, number=signal.SIGKILL):
  """Start a run, kill it at random moments, and let it come to its end.

  Most kills come when new rows of metrics were written, the others at any time
  after the start.

  Args:
    command: of the run.
    folder: its workdir.
    kills: how many.
    draw: `random.Random`.
    number: the signal.
  """
  before = saving = done = 0
  while done < kills:
    rows, process = _rows(folder), start(command)
    wanted = draw.choice((0, 1, 1, 2, 3))
    while _rows(folder) < rows + wanted and process.is_alive():
      time.sleep(0.005)
    time.sleep(draw.uniform(0, 0.4 if wanted else 4))
    if not process.is_alive():
      process.join()
      assert process.exitcode == 0, f"see the log of {command[-1]}"
      break
    os.kill(process.pid, number)
    process.join()
    done += 1
    before += not _rows(folder)
    saving += any(folder.rglob("*.orbax-checkpoint-tmp*"))
  finish(command)
  return Moments(done, before, saving)


def differences(killed, whole):
  """Return the files in which two workdirs differ, of all of their runs."""
  paths = [
    path.relative_to(whole)
    for name in FILES
    for path in sorted(whole.rglob(name))
  ]
  assert paths
  return [
    str(path)
    for path in paths
    if (killed / path).read_bytes() != (whole / path).read_bytes()
  ]


def _rows(folder):
  """Return how many rows all runs have; folders come and go meanwhile."""
  found = 0
  for place, _, names in os.walk(folder):
    if "metrics.jsonl" in names:
      path = pathlib.Path(place, "metrics.jsonl")
      found += path.read_bytes().count(b"\n")
  return found


def _train(command, log):
  """Do what the command line does; what it prints goes to a file."""
  from jtr_jax import main
  from jtr_jax.config import flag

  file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
  for stream in (1, 2):
    os.dup2(file, stream)
  sys.argv = ["jtr_jax.main", *command]
  flag.run(main.main)


def main():
  """Print a row of the table for one kind of run."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("method", choices=METHODS)
  parser.add_argument("--kills", type=int, default=100)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--epochs", type=int, default=12)
  given = parser.parse_args()
  place = pathlib.Path(tempfile.mkdtemp())
  small_config.prepare_rooms(place / "rooms")
  own = {"train__epochs": given.epochs}

  def command(folder):
    return words(given.method, place / "rooms", place / folder, **own)

  seconds = finish(command("whole"))
  draw, left, number = random.Random(given.seed), given.kills, 0
  totals, differ = Moments(0, 0, 0), []
  while left > 0:
    folder = f"killed_{number}"
    found = kill_and_resume(
      command(folder), place / folder, kills=left, draw=draw
    )
    totals = Moments(*map(sum, zip(totals, found, strict=True)))
    differ += differences(place / folder, place / "whole")
    left, number = left - found.kills, number + 1
  sys.stdout.write(
    f"| {given.method} | {totals.kills} | {given.seed} | {number} | "
    f"{totals.before} | {totals.saving} | {len(differ)} | {seconds:.0f} |\n"
  )
  return 1 if differ else 0


if __name__ == "__main__":
  sys.exit(main())
