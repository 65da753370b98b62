"""Trains every case as one of several processes, or compares two folders.

    python launch/local.py --processes=2 --devices=2 \\
      --module=tests.process_cases -- train ROOMS two
    python launch/local.py --processes=1 --devices=4 \\
      --module=tests.process_cases -- train ROOMS one
    python -m tests.process_cases compare ROOMS two one

ROOMS is written by `small_config.prepare_rooms`. `test_processes.py` has the
one of these cases that it can afford.
"""

import argparse
import json
import sys
from pathlib import Path

import jax
import numpy as np

from jtr_jax.config import balancing_presets, presets, resolve, saved
from jtr_jax.core import hosts
from jtr_jax.experiment import kinds, run, setup
from tests import small_config

# SGD: Adam makes a full step of the rounding error of a gradient that is 0.
FEW = {
  "train__epochs": 3,
  "evaluate__every_epochs": 2,
  "checkpoint__every_epochs": 1,
  "optimizer__name": "sgd",
}


def jtr(data, **changes):
  return small_config.settings(data, **{**FEW, **changes})


def streamed(data):
  settings = jtr(data, data__placement="stream", evaluate__pictures=0)
  return balancing_presets.with_balancing(settings, "pcgrad")


def must(data):
  config = small_config.config(data, **FEW, evaluate__pictures=0)
  presets.use_method(config, "supervised")
  presets.use_teachers(config)
  settings = resolve.resolve(config)
  return balancing_presets.with_balancing(settings, "amtl")


CASES = {
  "jtr": lambda data: jtr(data, train__steps_per_dispatch=2),
  "jtr_streamed_pcgrad": streamed,
  "must_amtl": must,
}


def train(given):
  hosts.initialize(given.coordinator, given.processes, given.process)
  for name, settings in CASES.items():
    options = kinds.Options(name)
    assert kinds.train(settings(given.data), given.folder / name, options)


def state(folder):
  """Return the latest state of a run."""
  made = setup.make_experiment(saved.read(folder), folder)
  return jax.device_get(setup.restore_state(made, "latest").state)


def largest_error(found, expected):
  """Return the largest error of an array, relative to its largest entry."""
  errors = jax.tree.map(
    lambda a, b: np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-2),
    found,
    expected,
  )
  return float(max(jax.tree.leaves(errors)))


def compare(given):
  errors = {}
  for name in CASES:
    for own in run.find_runs(given.folder / name):
      other = given.other / own.relative_to(given.folder)
      errors[str(own.relative_to(given.folder))] = largest_error(
        state(own).params, state(other).params
      )
  sys.stdout.write(json.dumps(errors, indent=1) + "\n")


def main():
  parser = argparse.ArgumentParser()
  commands = parser.add_subparsers(required=True)
  for function in (train, compare):
    command = commands.add_parser(function.__name__)
    command.set_defaults(run=function)
    command.add_argument("data")
    command.add_argument("folder", type=Path)
    if function is compare:
      command.add_argument("other", type=Path)
    command.add_argument("--coordinator", default="")
    command.add_argument("--processes", type=int, default=0)
    command.add_argument("--process", type=int, default=-1)
  given = parser.parse_args()
  given.run(given)


if __name__ == "__main__":
  main()
