"""Kills one of two processes at random moments, and compares the end.

    python -m tests.random_kills FOLDER --kills=20 --seed=0

It takes a quarter of an hour and is no test; started again it goes on. What it
found is in docs/results/resume.md.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import chex

from tests import launched, process_cases, small_config

CHANGES = {
  "train__epochs": 80,
  "checkpoint__every_epochs": 2,
  "evaluate__every_epochs": 20,
}
SAME = ("metrics.jsonl", "metrics.csv", "labels.tsv", "config.json")
MOST_SECONDS = 120


def start(folder, workdir):
  return launched.start(
    2,
    1,
    "jtr_jax.main",
    *small_config.flags(folder / "rooms", **CHANGES),
    f"--workdir={workdir}",
    JAX_COMPILATION_CACHE_DIR=str(folder / "cache"),
    JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
  )


def rows(workdir):
  path = workdir / "metrics.jsonl"
  return path.read_bytes().count(b"\n") if path.exists() else 0


def kill(process, workdir, draw):
  """Kill a process after the next row, and return what became of all."""
  before = rows(workdir)
  while rows(workdir) <= before and process.poll() is None:
    time.sleep(0.02)
  time.sleep(draw.uniform(0, 1.5))
  if process.poll() is None:
    os.kill(draw.choice(launched.pids(process)), signal.SIGKILL)
  begin = time.monotonic()
  process.communicate()
  assert time.monotonic() - begin < MOST_SECONDS
  return process.returncode


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument("folder", type=Path)
  parser.add_argument("--kills", type=int, default=20)
  parser.add_argument("--seed", type=int, default=0)
  given = parser.parse_args()
  folder, log = given.folder, given.folder / "codes.json"
  if not (folder / "rooms").exists():
    small_config.prepare_rooms(folder / "rooms")
  whole, killed = folder / "whole", folder / "killed"
  _, shown = (process := start(folder, whole)).communicate()
  assert process.returncode == 0, shown
  codes = json.loads(log.read_text()) if log.exists() else []
  for number in range(len(codes), given.kills):
    draw = random.Random(f"{given.seed} {number}")
    codes.append(kill(start(folder, killed), killed, draw))
    log.write_text(json.dumps(codes))
  _, shown = (process := start(folder, killed)).communicate()
  assert process.returncode == 0, shown
  for name in SAME:
    assert (whole / name).read_bytes() == (killed / name).read_bytes(), name
  states = [process_cases.state(workdir) for workdir in (whole, killed)]
  chex.assert_trees_all_equal(*states)
  sys.stdout.write(f"equal after {dict(Counter(codes))}\n")


if __name__ == "__main__":
  main()
