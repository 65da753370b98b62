"""What every gradient balancer makes of some batches.

All of them are one program for each number of tasks: compiling is what takes
the time.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.balancing import cr_mogm, mgda, registry

BUILDERS = {
  **registry.GRADIENT,
  "cr_mogm": lambda tasks: cr_mogm(mgda(tasks)),
}
NAMES = sorted(BUILDERS)
SIZES = {"kernel": (8, 9), "bias": (8,)}
COLUMNS = 80
PARAMS = {name: jnp.zeros(size) for name, size in SIZES.items()}


@functools.cache
def program(tasks):
  """Return (update of all, their first states, a list with its traces)."""
  transforms = {n: BUILDERS[n](tasks) for n in NAMES}
  traces = []

  def update(gradients, states, present, losses):
    traces.append(1)
    extra = {
      "present": present,
      "losses": losses,
      "key": jax.random.key(1),
      "sigma": jnp.full(tasks, 0.5),
      "second": gradients,
      "influence": losses,
      "nobody_knows": 1.0,
    }
    return {
      name: transform.update(gradients, states[name], PARAMS, **extra)
      for name, transform in transforms.items()
    }

  start = {name: t.init(PARAMS) for name, t in transforms.items()}
  return update, jax.jit(update), start, traces


def conflicting(tasks, seed=0):
  """K gradients, f32[K, 80], many pairs of which have an obtuse angle."""
  draw = np.random.default_rng(seed)
  rows = draw.normal(size=(tasks, COLUMNS))
  if tasks > 1:
    rows -= 0.9 * rows.mean(axis=0)
  rows *= draw.uniform(0.5, 2, size=(tasks, 1))
  return rows.astype(np.float32)


def losses_of(tasks):
  return np.linspace(0.5, 2, tasks, dtype=np.float32)


def tree(rows, dtype=jnp.float32):
  """Return the rows as gradients of `PARAMS`."""
  kernel, bias = np.split(rows, [72], axis=1)
  return {
    "kernel": jnp.asarray(kernel.reshape(-1, 8, 9), dtype),
    "bias": jnp.asarray(bias, dtype),
  }


def flat(direction):
  return np.concatenate(
    [np.ravel(np.asarray(direction[n], np.float64)) for n in SIZES]
  )


def outcomes(*batches, present=None, losses=None, dtype=jnp.float32, jit=True):
  """Return {name: (direction f64[80], weights f32[K])} of the last batch.

  A single batch is shown twice: with what is remembered of the first time.
  """
  batches = batches * 2 if len(batches) == 1 else batches
  tasks = len(batches[0])
  plain, compiled, states, _ = program(tasks)
  present = np.ones(tasks, bool) if present is None else present
  losses = losses_of(tasks) if losses is None else losses
  inputs = jnp.asarray(present), jnp.asarray(losses)
  for rows in batches:
    done = (compiled if jit else plain)(tree(rows, dtype), states, *inputs)
    states = {name: state for name, (_, state) in done.items()}
  return {
    name: (flat(direction), np.asarray(state.weights))
    for name, (direction, state) in done.items()
  }
