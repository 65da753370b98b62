import functools
import logging
from typing import Any, NamedTuple

import chex
import jax
import numpy as np
import pytest

from jtr_jax.train import loop
from jtr_jax.train.dispatch import Dispatch, fetch_steps
from jtr_jax.train.run_parts import Run
from jtr_jax.train.state import TrainState
from tests.train import tiny

METHODS = ("supervised", "consistency", "paper", "official")


class Program(NamedTuple):
  """A run with its compiled program; start and data are on the host."""

  run: Run
  dispatch: Dispatch
  start: TrainState
  constant: dict[str, Any]


@functools.cache
def program(method):
  """Return the program of a method, shared by the tests."""
  run = tiny.make_run(method)
  start, constant = jax.device_get((loop.start_state(run), run.feed.constant))
  return Program(run, loop.run_dispatch(run), start, constant)


def train(method, constant, steps=3):
  """Return the state and the metrics after some steps on these data."""
  run, dispatch, start, _ = program(method)
  state, constant = tiny.place(run, (start, constant))
  rows = []
  for step in range(steps):
    state, metrics = dispatch(state, constant, fetch_steps(run.feed, step, 1))
    rows.append(metrics)
  return jax.device_get((state, rows))


def with_labels(method, present):
  """Return the data with every label there, and shown as told."""
  records = tiny.make_dataset().source("train")
  stored = {n: np.stack([row[n] for row in records]) for n in tiny.NAMES}
  shown = dict(zip(tiny.NAMES, present.T, strict=True))
  return {**program(method).constant, "stored": stored, "present": shown}


def poisoned(constant, class_id):
  """Return the data with hidden labels that nobody may look at."""
  stored = {name: values.copy() for name, values in constant["stored"].items()}
  for name, values in stored.items():
    is_class = np.issubdtype(values.dtype, np.integer)
    values[~constant["present"][name]] = class_id if is_class else np.nan
  return {**constant, "stored": stored}


@pytest.mark.parametrize("method", METHODS)
def test_hidden_labels_change_nothing(method):
  whole = with_labels(method, tiny.half_labelled())
  expected = train(method, whole)
  chex.assert_tree_all_finite(expected)
  for class_id in (-128, 3, 127):
    found = train(method, poisoned(whole, class_id))
    chex.assert_trees_all_equal(found, expected)


@pytest.mark.parametrize("method", METHODS)
def test_visible_labels_change_something(method):
  whole = with_labels(method, tiny.half_labelled())
  expected = train(method, whole)
  whole["stored"]["depth"][1] += 1
  with pytest.raises(AssertionError):
    chex.assert_trees_all_equal(train(method, whole), expected)


@pytest.mark.parametrize("method", METHODS)
def test_one_compilation_serves_every_pattern(method, caplog):
  shape = tiny.half_labelled().shape
  patterns = [
    np.zeros(shape, bool),
    np.ones(shape, bool),
    np.eye(shape[1], dtype=bool)[np.arange(shape[0]) % shape[1]],
  ]
  train(method, with_labels(method, patterns[0]), steps=1)
  with jax.log_compiles(), caplog.at_level(logging.WARNING, "jax"):
    jax.jit(lambda x: x + 1)(1)
    for present in patterns:
      found = train(method, with_labels(method, present), steps=2)
      chex.assert_tree_all_finite(found)
  assert "jit(<lambda>)" in caplog.text  # the log is on
  assert "jit(run)" not in caplog.text


@pytest.mark.parametrize("method", ["supervised", "paper"])
def test_loss_falls_on_one_batch(method):
  run, dispatch, *start = program(method)
  state, constant = tiny.place(run, start)
  fetched, losses = fetch_steps(run.feed, 0, 1), []
  for _ in range(30):
    state, metrics = dispatch(state, constant, fetched)
    losses.append(sum(x.sum[0] for x in metrics.losses.values()))
  assert losses[-1] < 0.8 * losses[0]


def test_objective_is_the_sum_of_its_parts():
  _, (metrics,) = train("paper", program("paper").constant, steps=1)
  parts = [x.sum / tiny.BATCH for x in metrics.losses.values()]
  parts += [x for name, x in metrics.terms.items() if name != "total/loss"]
  np.testing.assert_allclose(metrics.terms["total/loss"], sum(parts), 1e-6)
