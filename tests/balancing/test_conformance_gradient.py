"""Every gradient balancer keeps the same promises."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import eight_devices
from tests.balancing.gradient_table import (
  NAMES,
  conflicting,
  losses_of,
  outcomes,
  program,
  tree,
)

DRAWN = {"gradvac", "pcgrad"}  # orders of projection go with the tasks' places
PRIMARY = {"gcs", "ial"}  # the first task is not like the others
SAME = {("auxi_nash", "nash_mtl")}  # until preferences are learned

each = pytest.mark.parametrize("name", NAMES)


def assert_close(found, expected, tolerance=2e-4):
  size = max(np.max(np.abs(expected), initial=0), 1e-30)
  np.testing.assert_allclose(found / size, expected / size, atol=tolerance)


def test_one_program_serves_every_batch():
  program.cache_clear()
  _, update, start, traces = program(7)
  states = start
  for seed in range(3):
    present = jnp.arange(7) % 3 != seed
    done = update(
      tree(conflicting(7, seed)), states, present, jnp.asarray(losses_of(7))
    )
    states = {name: state for name, (_, state) in done.items()}
  for name in NAMES:
    chex.assert_trees_all_equal_shapes_and_dtypes(start[name], states[name])
    kinds = [
      [x.aval.weak_type for x in jax.tree.leaves(tree)]
      for tree in (start[name], states[name])
    ]
    assert kinds[0] == kinds[1], name
    assert states[name].step == 3
  assert len(traces) == 1


@functools.cache
def extremes():
  rows = conflicting(7)
  several = 10.0 ** np.linspace(-10, 15, 7)[:, None]
  parallel = np.tile(rows[:1], (7, 1)) * np.arange(1, 8)[:, None]
  opposite = parallel * np.where(np.arange(7) % 2, -1, 1)[:, None]
  cases = {
    "small": 1e-10 * rows,
    "large": 1e15 * rows,
    "different": several * rows,
    "zero": 0 * rows,
    "one zero": rows * (np.arange(7) != 3)[:, None],
    "parallel": parallel,
    "opposite": opposite,
  }
  return {case: outcomes(x.astype(np.float32)) for case, x in cases.items()}


@each
def test_extremes_stay_finite(name):
  for case, done in extremes().items():
    direction, weights = done[name]
    assert np.all(np.isfinite(direction)), case
    assert np.all(np.isfinite(weights)) or np.all(np.isnan(weights)), case
  np.testing.assert_array_equal(extremes()["zero"][name][0], 0)


# ExcessMTL's diagonal preconditioner has an absolute constant, and the weights
# of MoDo move by a fixed rate times squared lengths.
@pytest.mark.parametrize("name", sorted({*NAMES} - {"excess_mtl", "modo"}))
def test_scale_of_all_gradients_does_not_turn_the_direction(name):
  usual, _ = usual_outcome()[name]
  for case in ("small", "large"):
    direction, _ = extremes()[case][name]
    assert_close(unit(direction), unit(usual))


@functools.cache
def usual_outcome():
  return outcomes(conflicting(7))


def unit(x):
  return x / np.linalg.norm(x)


@functools.cache
def nothing_present():
  rows = np.full((7, 80), np.nan, np.float32)
  return outcomes(rows, present=np.zeros(7, bool))


@each
def test_nothing_present_moves_nothing(name):
  direction, weights = nothing_present()[name]
  np.testing.assert_array_equal(direction, 0)
  assert np.all((weights == 0) | np.isnan(weights))


@functools.cache
def reduced(more, fewer, dtype=jnp.float32):
  """Return (kept tasks, outcomes with others absent, with others removed)."""
  kept = np.sort(np.random.default_rng(1).permutation(more - 1)[: fewer - 1])
  kept = np.append(0, kept + 1)
  present = np.isin(np.arange(more), kept)
  rows, losses = conflicting(more), losses_of(more)
  rows = np.asarray(jnp.asarray(rows, dtype), np.float32)
  hidden = np.where(present[:, None], rows, np.nan)
  told = np.where(present, losses, np.nan)
  absent = outcomes(hidden, present=present, losses=told, dtype=dtype)
  return present, absent, outcomes(rows[kept], losses=losses[kept])


@each
@pytest.mark.parametrize(("more", "fewer"), [(7, 2), (7, 1)])
def test_absent_task_is_a_removed_row(name, more, fewer):
  present, absent, removed = reduced(more, fewer)
  assert_close(absent[name][0], removed[name][0])
  weights = absent[name][1]
  assert_close(weights[present], removed[name][1])
  assert np.all((weights[~present] == 0) | np.isnan(weights[~present]))


@each
def test_twenty_tasks_and_bfloat16_gradients(name):
  _, absent, removed = reduced(20, 7, jnp.bfloat16)
  direction, expected = absent[name][0], removed[name][0]
  assert np.all(np.isfinite(direction))
  np.testing.assert_array_equal(direction, np.asarray(direction, jnp.bfloat16))
  if name not in DRAWN:
    assert_close(direction, expected, tolerance=1e-2)


@functools.cache
def reordered(tasks):
  """Return (order, outcomes of tasks in that order); the first stays first."""
  order = 1 + np.random.default_rng(3).permutation(tasks - 1)
  order = np.append(0, order) if tasks > 2 else np.array([1, 0])
  done = outcomes(conflicting(tasks)[order], losses=losses_of(tasks)[order])
  return order, done


@each
def test_order_of_tasks_does_not_matter(name):
  for tasks in (2, 7):
    if name in (DRAWN if tasks > 2 else PRIMARY):
      continue
    order, done = reordered(tasks)
    direction, weights = outcomes(conflicting(tasks))[name]
    assert_close(done[name][0], direction)
    assert_close(done[name][1], weights[order])


@each
def test_single_task_keeps_its_direction(name):
  rows = conflicting(1)
  direction, _ = outcomes(rows)[name]
  assert_close(unit(direction), unit(rows[0].astype(np.float64)), 1e-5)


@functools.cache
def interpreted():
  return outcomes(conflicting(2), jit=False)


@each
def test_jit_changes_nothing(name):
  compiled = outcomes(conflicting(2))
  for found, expected in zip(interpreted()[name], compiled[name], strict=True):
    assert_close(found, expected, tolerance=1e-5)


def test_no_two_are_the_same():
  # SDMGrad is MGDA unless a weight of MGDA is small.
  lengths = np.geomspace(0.3, 3, 7, dtype=np.float32)[:, None]
  done = outcomes(*(lengths * conflicting(7, seed) for seed in range(3)))
  for one, other in {*itertools.combinations(NAMES, 2)} - SAME:
    apart = np.max(np.abs(done[one][0] - done[other][0]))
    assert apart > 1e-3 * np.max(np.abs(done[one][0])), (one, other)


def test_eight_devices_equal_one():
  errors = eight_devices.run("tests.balancing.sharded_gradients")
  sharded = [f"{name} in shard_map" for name in NAMES if name != "graddrop"]
  assert sorted(errors) == sorted([*NAMES, *sharded])
  assert max(errors.values()) < 1e-4, errors
