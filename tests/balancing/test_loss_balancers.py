"""Every registered loss balancer keeps the same promises."""

import functools
import inspect
import itertools

import chex
import jax
import numpy as np
import optax
import pytest

from jtr_jax.balancing import registry
from jtr_jax.balancing.loss_balancer import Observation

STEPS, PERIOD = 16, 2
NAMES = sorted(registry.LOSS)
DRAWN = {"rlw", "puw"}  # a task's numbers go with its place
PRIMARY = {"fixed", "ol_aux"}  # the first task is not like the others
CHAINED = {"ldc_mtl"}  # a task is compared with the next one


def make(name, tasks):
  constructor = registry.LOSS[name]
  needs_period = "period" in inspect.signature(constructor).parameters
  return constructor(tasks, **({"period": PERIOD} if needs_period else {}))


@functools.cache
def program(name, tasks, dtype="float32", compiled=True):
  """Return (seen, accuracies, keys) -> (objectives, weights, state)."""
  balancer = make(name, tasks)
  optimizer = optax.adam(0.05)
  traces = []

  def advance(carry, inputs):
    params, opt_state, state = carry
    seen, accuracy, key = inputs
    losses = seen.losses.astype(dtype)
    value, weights, gradients = balancer.weigh(
      params, state, losses, present=seen.present, key=key
    )
    updates, opt_state = optimizer.update(gradients, opt_state, params)
    params = optax.apply_updates(params, updates)
    state = balancer.update_from_accuracies(
      balancer.observe(state, seen), accuracy
    )
    return (params, opt_state, state), (value, weights)

  def run(*inputs):
    traces.append(1)
    params, state = balancer.init()
    start = (params, optimizer.init(params), state)
    end, (values, weights) = jax.lax.scan(advance, start, inputs)
    return values, weights, end

  return (jax.jit(run) if compiled else run), traces


def inputs(tasks, seed=0, scale=1.0, present=None):
  """What a conflicting example of so many tasks shows in every step."""
  draw = np.random.default_rng(seed)
  size = (STEPS, tasks)
  losses = draw.uniform(0.5, 3, size) * np.linspace(1, 0.3, STEPS)[:, None]
  vectors = draw.normal(size=(STEPS, tasks, 3))
  norms = np.linalg.norm(vectors, axis=-1)
  units = vectors / norms[..., None]
  if present is None:
    present = np.ones(size, bool)
  f32 = functools.partial(np.asarray, dtype=np.float32)
  seen = Observation(
    losses=f32(np.where(present, scale * losses, 0)),
    present=present,
    step=np.arange(STEPS, dtype=np.int32),
    norms=f32(np.where(present, scale * norms, 0)),
    cosines=f32(units @ units.swapaxes(1, 2)),
    later_losses=f32(scale * losses * draw.uniform(0.8, 1, size)),
    influence=f32(scale * draw.normal(size=size)),
  )
  accuracy = f32(np.sort(draw.uniform(0.1, 0.8, size), axis=0))
  accuracy[::2] = np.nan  # there is not always an evaluation
  return seen, accuracy, jax.random.split(jax.random.key(seed), STEPS)


def take(given, tasks):
  """Return the inputs with these tasks only, in this order."""
  seen, accuracy, keys = given
  columns = {
    name: getattr(seen, name)[:, tasks]
    for name in ("losses", "present", "norms", "later_losses", "influence")
  }
  cosines = seen.cosines[:, tasks][:, :, tasks]
  return seen._replace(**columns, cosines=cosines), accuracy[:, tasks], keys


@pytest.mark.parametrize("name", NAMES)
def test_finite_whatever_the_scale_and_one_compilation(name):
  run, traces = program(name, 3)
  some = np.random.default_rng(1).random((STEPS, 3)) < 0.5
  some[0] = False
  for scale in (1e-10, 1.0, 1e15, 0.0):
    chex.assert_tree_all_finite(run(*inputs(3, scale=scale))[:2])
  _, weights, _ = run(*inputs(3, present=some))
  chex.assert_tree_all_finite(weights)
  np.testing.assert_array_equal(weights[~some], 0)
  assert len(traces) == 1


@pytest.mark.parametrize(
  ("name", "tasks"), list(itertools.product(NAMES, (1, 2, 7, 20)))
)
def test_any_number_of_tasks(name, tasks):
  values, weights, _ = program(name, tasks)[0](*inputs(tasks))
  chex.assert_tree_all_finite((values, weights))
  chex.assert_shape(weights, (STEPS, tasks))
  assert np.all(np.any(weights != 0, axis=1))


@pytest.mark.parametrize("name", NAMES)
def test_absent_task_is_as_if_it_were_not_there(name):
  present = np.ones((STEPS, 3), bool)
  present[:, 2] = False
  given = inputs(3, present=present)
  values, weights, _ = program(name, 3)[0](*given)
  expected = program(name, 2)[0](*take(given, [0, 1]))
  np.testing.assert_allclose(values, expected[0], rtol=1e-4)
  np.testing.assert_allclose(weights[:, :2], expected[1], rtol=1e-4, atol=1e-6)
  np.testing.assert_array_equal(weights[:, 2], 0)


@pytest.mark.parametrize("name", sorted({*NAMES} - DRAWN - CHAINED))
def test_order_of_tasks_does_not_matter(name):
  order = [0, 2, 1] if name in PRIMARY else [2, 0, 1]
  given = inputs(3)
  values, weights, _ = program(name, 3)[0](*given)
  found = program(name, 3)[0](*take(given, order))
  np.testing.assert_allclose(found[0], values, rtol=1e-4)
  np.testing.assert_allclose(found[1], weights[:, order], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_losses(name):
  _, weights, _ = program(name, 3, "bfloat16")[0](*inputs(3))
  expected = program(name, 3)[0](*inputs(3))[1]
  np.testing.assert_allclose(
    weights.astype(np.float32), expected, rtol=0.1, atol=0.05
  )


@pytest.mark.parametrize("name", NAMES)
def test_compiled_or_not(name):
  given = inputs(3)
  with jax.disable_jit():
    first = jax.tree.map(lambda x: x[:2], given)
    expected = program(name, 3, compiled=False)[0](*first)[:2]
  found = [x[:2] for x in program(name, 3)[0](*given)[:2]]
  chex.assert_trees_all_close(found, list(expected), rtol=1e-5, atol=1e-6)


def test_no_two_are_the_same():
  found = {n: np.asarray(program(n, 3)[0](*inputs(3))[1]) for n in NAMES}
  for a, b in itertools.combinations(NAMES, 2):
    assert not np.allclose(found[a], found[b], rtol=1e-3), (a, b)
