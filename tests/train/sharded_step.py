"""Prints how far eight devices are from one, in training and evaluation.

The argument is a method, see `tiny.make_method`.
"""

import json
import sys

import jax
import numpy as np
import optax

from jtr_jax.train import evaluate, loop
from jtr_jax.train.dispatch import fetch_steps, make_mesh, replicated
from tests.train import tiny


def train(devices, method):
  # SGD: Adam makes a full step of the rounding error of a gradient that is 0,
  # as of a bias before batch norm.
  run = tiny.make_run(
    method, devices=devices, batch=8, optimizer=optax.sgd(1e-2)
  )
  dispatch = loop.run_dispatch(run)
  state, rows = loop.start_state(run), []
  for step in range(3):
    fetched = fetch_steps(run.feed, step, 1)
    state, metrics = dispatch(state, run.feed.constant, fetched)
    rows.append((metrics.losses, metrics.terms, metrics.sample))
  return jax.device_get((state, rows))


def evaluated(devices, state):
  """Return the metrics of a state, and the FLOPs of a device for a batch."""
  mesh = make_mesh(8, jax.devices()[:devices])
  net = tiny.make_net()
  feed, steps = tiny.make_evaluation_feed(mesh, 8)
  step = evaluate.make_evaluation_step(net, feed, mesh)
  state = jax.device_put(state, replicated(mesh))
  metrics = evaluate.evaluate(net, step, state, feed, steps=steps)
  compiled = step.lower(state, feed.constant, feed.fetch(0)).compile()
  return metrics, compiled.cost_analysis()["flops"]


def largest_error(found, expected):
  """Return the largest error of an array, relative to its largest entry."""
  errors = jax.tree.map(
    lambda a, b: np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-2),
    found,
    expected,
  )
  return float(max(jax.tree.leaves(errors)))


def main():
  one, eight = (train(devices, sys.argv[1]) for devices in (1, 8))
  losses = [[row[:2] for row in side[1]] for side in (eight, one)]
  samples = [np.stack([row[2] for row in side[1]]) for side in (eight, one)]
  metrics, flops = zip(*(evaluated(n, one[0]) for n in (8, 1)), strict=True)
  errors = {
    "samples": int(np.sum(samples[0] != samples[1])),
    "losses": largest_error(*losses),
    "parameters": largest_error(eight[0].params, one[0].params),
    "statistics": largest_error(eight[0].model_state, one[0].model_state),
    "metrics": largest_error(*metrics),
    "share of the evaluation": flops[0] / flops[1],
  }
  sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
  main()
