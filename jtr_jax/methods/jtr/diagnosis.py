"""Whether the joint-task space tells joint tensors apart; see docs/jtr.md."""

import functools

import jax
import jax.numpy as jnp

from jtr_jax.methods.base import Tree
from jtr_jax.methods.jtr import joint_space
from jtr_jax.methods.jtr.joint_tensor import JointPair
from jtr_jax.methods.jtr.settings import JtrSettings
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.tasks.base import Task


def measure(
  tasks: tuple[Task, ...],
  autoencoder: AutoEncoder,
  settings: JtrSettings,
  params: Tree,
  state: Tree,
  pair: JointPair,
) -> dict[str, jax.Array]:
  """Return what tells a joint space from one that has collapsed.

  Args:
    tasks: the tasks.
    autoencoder: g.
    settings: of the method; they say how codes are compared.
    params: of the auto-encoder; no gradient flows to them.
    state: its running statistics.
    pair: the joint tensors of several images.

  Returns:
    f32[] each, means over the images and without weights: "distance" between
    prediction and target, "distance_between_images" of the targets of two
    images, "reconstruction" of both tensors by the tasks' own losses, and
    "reconstruction_from_mean_code", the same if every code is replaced by the
    mean code of the batch before it is decoded.
  """
  encode = functools.partial(
    joint_space.encode_pair,
    autoencoder,
    jax.lax.stop_gradient(params),
    state,
    pair,
  )
  distance = functools.partial(
    joint_space.distance,
    kind=settings.distance,
    centred=settings.centred_codes,
  )
  points, rebuilt, _ = encode()
  _, from_mean, _ = encode(change=joint_space.mean_code)
  target = points[1]
  values = {
    "distance": distance(points),
    "distance_between_images": distance((jnp.roll(target, 1, axis=0), target)),
    "reconstruction": joint_space.reconstruction(tasks, pair, rebuilt),
    "reconstruction_from_mean_code": joint_space.reconstruction(
      tasks, pair, from_mean
    ),
  }
  return {name: jnp.mean(value) for name, value in values.items()}
