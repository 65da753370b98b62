"""Prints how far training on eight devices is from training on one."""

import json
import sys

import jax
import numpy as np
import optax
import tiny

from jtr_jax.train import loop
from jtr_jax.train.dispatch import fetch_steps


def train(devices):
  # SGD: Adam makes a full step of the rounding error of a gradient that is 0,
  # as of a bias before batch norm.
  run = tiny.make_run(
    "paper", devices=devices, batch=8, optimizer=optax.sgd(1e-2)
  )
  dispatch = loop.run_dispatch(run)
  state, rows = loop.start_state(run), []
  for step in range(3):
    fetched = fetch_steps(run.feed, step, 1)
    state, metrics = dispatch(state, run.feed.constant, fetched)
    rows.append((metrics.losses, metrics.terms, metrics.sample))
  return jax.device_get((state, rows))


def largest_error(found, expected):
  """Return the largest error of an array, relative to its largest entry."""
  errors = jax.tree.map(
    lambda a, b: np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-2),
    found,
    expected,
  )
  return float(max(jax.tree.leaves(errors)))


def main():
  one, eight = train(1), train(8)
  losses = [[row[:2] for row in side[1]] for side in (eight, one)]
  samples = [np.stack([row[2] for row in side[1]]) for side in (eight, one)]
  errors = {
    "samples": int(np.sum(samples[0] != samples[1])),
    "losses": largest_error(*losses),
    "parameters": largest_error(eight[0].params, one[0].params),
    "statistics": largest_error(eight[0].model_state, one[0].model_state),
  }
  sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
  main()
