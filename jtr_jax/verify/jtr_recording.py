"""What a recorded JTR step starts from: tasks, networks, views and labels."""

import dataclasses
import functools
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.core.types import Labels
from jtr_jax.methods.base import Method
from jtr_jax.methods.jtr import jtr, settings
from jtr_jax.models.base import Tree
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.base import Task
from jtr_jax.verify import recorded_step, released_weights
from jtr_jax.verify.comparison import Recording

VIEWS = 3
SETTINGS = dataclasses.replace(settings.RELEASED, relaxation="straight_through")


Trees: TypeAlias = dict[str, tuple[Tree, Tree]]
"""(parameters, state) of "model" and of "jtr"."""


class Step(NamedTuple):
  """The objects of a recorded step and its inputs.

  Attributes:
    tasks: of NYUv2 (three) or Cityscapes (two).
    net: the model.
    method: JTR as released, with the arg max in place of every draw.
    images: f64[V, B, H, W, 3].
    labels: with leading axes V and B.
    variables: parameters of "model" and "jtr" before the step.
    states: running statistics of the same.
  """

  tasks: tuple[Task, ...]
  net: MultiTaskNet
  method: Method
  images: jax.Array
  labels: Labels
  variables: dict[str, Tree]
  states: dict[str, Tree]


def read(recording: Recording) -> Step:
  """Return a recorded step, in float64 where JAX has it enabled.

  Args:
    recording: see the golden files' README, kind jtr_step.

  Raises:
    RecordError: an array is missing or has the wrong shape.
  """
  channels = tuple(int(n) for n in recording["channel_dims"])
  tasks = recorded_step.make_tasks("channel_dims", channels)
  images, labels = recorded_step.read_views(recording, tasks, VIEWS)
  widths = recorded_step.read_filters(recording)
  net = recorded_step.make_net(tasks, widths, images.dtype)
  autoencoder = _autoencoder(tasks, widths, images.dtype)
  size, joint = images.shape[2:4], autoencoder.head.channels
  recorded = trees(recording, tasks, "")
  inits = {
    "model": lambda key: net.init(key, (*size, 3)),
    "jtr": lambda key: autoencoder.init(key, (*size, joint)),
  }
  for network, init in inits.items():
    recorded_step.check_shapes(network, recorded[network], init)
  widen = functools.partial(jax.tree.map, lambda x: x.astype(images.dtype))
  return Step(
    tasks,
    net,
    jtr.jtr(tasks, autoencoder, SETTINGS),
    images,
    labels,
    variables={network: widen(tree[0]) for network, tree in recorded.items()},
    states={network: widen(tree[1]) for network, tree in recorded.items()},
  )


def trees(
  recording: Recording,
  tasks: tuple[Task, ...],
  prefix: str,
  *,
  statistics: bool = True,
) -> Trees:
  """Return both recorded networks.

  Args:
    recording: see the golden files' README, kind jtr_step.
    tasks: the tasks of the step.
    prefix: "" before the step, "grad_" or "after_".
    statistics: whether there are running statistics; gradients have none.

  Raises:
    RecordError: an array is missing.
  """
  names = tuple(task.name for task in tasks)
  return {
    "model": released_weights.model_trees(
      recording, f"{prefix}model", names, statistics=statistics
    ),
    "jtr": released_weights.autoencoder_trees(
      recording, f"{prefix}jtr", statistics=statistics
    ),
  }


def _autoencoder(
  tasks: tuple[Task, ...], widths: tuple[int, ...], dtype: jnp.dtype
) -> AutoEncoder:
  channels = sum(task.joint_channels for task in tasks)
  trunk = SegNet(widths, statistics="image", dtype=dtype)
  return AutoEncoder(trunk, Head(channels, dtype))
