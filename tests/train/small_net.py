"""A network of two convolutions, for steps that compile in no time."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax.core.types import Label
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.models.segnet import features
from jtr_jax.train import extra_batch
from jtr_jax.train.gradients import observe, step_gradients
from jtr_jax.train.state import TrainState, init_state
from jtr_jax.train.step_parts import Batch, Program
from tests.train import tiny

IMAGES, SIZE = 4, (4, 4)
NET_TASKS = tiny.TASKS
PRESENT = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0]], bool)


class Trunk(nn.Module):
  last_layer = ("conv1",)

  @nn.compact
  def __call__(self, x, *, train):
    del train
    for index in range(2):
      x = nn.tanh(nn.Conv(5, (3, 3), name=f"conv{index}")(x))
    return features(x, x, x.shape[1:3], 0)


class Point(nn.Module):
  channels: int

  @nn.compact
  def __call__(self, features, *, train):
    del train
    return nn.Conv(self.channels, (1, 1))(features.maps["final"])


def make_net(tasks=NET_TASKS):
  heads = tuple(Point(task.channels) for task in tasks)
  return MultiTaskNet(Trunk(), heads, tasks)


def make_labels(present=PRESENT):
  draw = np.random.default_rng(0)
  shape = (IMAGES, *SIZE)
  values = {
    "segmentation": draw.integers(0, 4, shape).astype(np.int32),
    "depth": draw.uniform(1, 5, (*shape, 1)).astype(np.float32),
    "normals": draw.normal(size=(*shape, 3)).astype(np.float32),
  }
  return {
    task.name: Label(
      jnp.asarray(values[task.name]),
      jnp.ones(shape, bool),
      jnp.asarray(present[:, k]),
    )
    for k, task in enumerate(NET_TASKS)
  }


def make_batch(step=0, present=PRESENT):
  images = jax.random.normal(jax.random.key(3), (1, IMAGES, *SIZE, 3))
  labels = jax.tree.map(lambda x: x[None], make_labels(present))
  return Batch(images, labels, jax.random.fold_in(jax.random.key(4), step))


def start(program, optimizer):
  return init_state(
    program.net,
    program.method,
    optimizer,
    program.balancing,
    size=SIZE,
    seed=0,
  )


def make_step(program: Program, optimizer):
  """Return the jitted (state, batch, extra) -> (state, gradients)."""

  @jax.jit
  def step(state, batch, extra):
    used = None
    if program.balancing.needs_extra_batch:
      state, used = extra_batch.use(program, state, batch, extra)
    found = step_gradients(program, state, batch, used)
    updates, opt_state = optimizer.update(
      found.gradients, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    after = observe(program, state, params, batch, found)
    new = TrainState(
      state.step + 1, params, found.model_state, opt_state, after
    )
    return new, found

  return step
