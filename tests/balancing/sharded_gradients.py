"""Prints how far balancing on eight devices is from balancing on one."""

import functools
import json
import sys

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tests.balancing.gradient_table import (
  BUILDERS,
  conflicting,
  flat,
  losses_of,
  program,
  tree,
)

TASKS = 2


def main():
  mesh = Mesh(np.asarray(jax.devices()), ("data",))
  sharding = NamedSharding(mesh, PartitionSpec(None, "data"))
  _, update, states, _ = program(TASKS)
  gradients = tree(conflicting(TASKS))
  others = states, np.ones(TASKS, bool), losses_of(TASKS)
  one = update(gradients, *others)
  eight = update(jax.device_put(gradients, sharding), *others)
  errors = {}
  for name, (direction, _) in one.items():
    expected, found = flat(direction), flat(eight[name][0])
    errors[name] = float(np.max(np.abs(found - expected) / np.max(expected)))
    inside = by_shard_map(mesh, name, gradients, others)
    if name != "graddrop":  # which entries are dropped is another draw
      errors[f"{name} in shard_map"] = float(
        np.max(np.abs(flat(inside) - expected) / np.max(expected))
      )
  sys.stdout.write(json.dumps(errors))


def by_shard_map(mesh, name, gradients, others):
  """Return the direction of gradients whose entries are sharded."""
  states, present, losses = others
  rows, whole = PartitionSpec(None, "data"), PartitionSpec()
  balancer = BUILDERS[name](TASKS)
  sharded = jax.tree.map(
    lambda x: rows if x.ndim > 1 and x.shape[1] == 8 else whole, states[name]
  )

  @functools.partial(
    jax.shard_map,
    mesh=mesh,
    in_specs=(rows, sharded),
    out_specs=PartitionSpec("data"),
    check_vma=False,
  )
  def update(gradients, state):
    return balancer.update(
      gradients,
      state,
      present=present,
      losses=losses,
      key=jax.random.key(1),
      sigma=np.full(TASKS, 0.5, np.float32),
      second=gradients,
      influence=losses,
      axis_name="data",
    )[0]

  return jax.jit(update)(gradients, states[name])


if __name__ == "__main__":
  main()
