"""Prints how far balanced training on eight devices is from that on one."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

from jtr_jax.balancing.gradient import ial, imtl_g, pcgrad
from jtr_jax.balancing.loss import gradnorm, uw
from jtr_jax.methods.supervised import supervised
from jtr_jax.train.dispatch import make_mesh, replicated
from jtr_jax.train.step_parts import Program
from jtr_jax.train.task_weighting import Balancing
from tests.train import small_net

K = len(small_net.NET_TASKS)
DEVICES = 8
UW = uw.uw(K, form="log_sigma", initial_weight=0.9)
BALANCINGS = {
  "ial": Balancing(UW, ial.ial(K), "features", "mean"),
  "pcgrad": Balancing(UW, pcgrad.pcgrad(K), "shared_params"),
  "imtl_g": Balancing(UW, imtl_g.imtl_g(K), "last_shared_layer"),
  "gradnorm": Balancing(gradnorm.gradnorm(K), task_loss="mean"),
}


def make_batch(index):
  """Return a batch with an image for each device."""
  small = small_net.make_batch(index)
  copies = DEVICES // small_net.IMAGES
  images, labels = jax.tree.map(
    lambda x: jnp.concatenate([x] * copies, axis=1),
    (small.images, small.labels),
  )
  different = jnp.linspace(1, 2, DEVICES).reshape(-1, 1, 1, 1)
  return small._replace(images=images * different, labels=labels)


def train(devices, balancing):
  method = supervised(small_net.NET_TASKS)
  program = Program(small_net.make_net(), method, balancing)
  optimizer = optax.sgd(0.1)
  mesh = make_mesh(DEVICES, jax.devices()[:devices])
  state = jax.device_put(small_net.start(program, optimizer), replicated(mesh))
  step = small_net.make_step(program, optimizer)
  for index in range(2):
    batch = make_batch(index)
    images = NamedSharding(mesh, PartitionSpec(None, "data"))
    shared = jax.device_put((batch.images, batch.labels), images)
    batch = batch._replace(images=shared[0], labels=shared[1])
    state, _ = step(state, batch, batch)
  return jax.device_get((state.params, state.balancing))


def main():
  errors = {}
  for name, balancing in BALANCINGS.items():
    some, one = (train(n, balancing) for n in (DEVICES, 1))
    gaps = jax.tree.map(lambda a, b: float(np.max(np.abs(a - b))), some, one)
    errors[name] = max(jax.tree.leaves(gaps))
  sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
  main()
