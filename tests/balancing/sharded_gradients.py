"""Prints how far balancing on eight devices is from balancing on one."""

import json
import sys

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tests.balancing.gradient_table import (
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
  sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
  main()
