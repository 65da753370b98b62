"""What a recorded JTR step starts from: tasks, networks, views and labels."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import Label, Labels
from jtr_jax.methods import jtr, jtr_settings
from jtr_jax.methods.base import Method
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet, Tree
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.verify import released_weights
from jtr_jax.verify.comparison import Recording, unusable

VIEWS = 3
SETTINGS = dataclasses.replace(
  jtr_settings.RELEASED, relaxation="straight_through"
)


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
  tasks = _tasks(recording)
  images, labels = _inputs(recording, tasks)
  net, autoencoder = _networks(recording, tasks, images.dtype)
  size, channels = images.shape[2:4], autoencoder.head.channels
  recorded = trees(recording, tasks, "")
  inits = {
    "model": lambda key: net.init(key, (*size, 3)),
    "jtr": lambda key: autoencoder.init(key, (*size, channels)),
  }
  for network, init in inits.items():
    _check_shapes(network, recorded[network], init)
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


def _tasks(recording: Recording) -> tuple[Task, ...]:
  channels = tuple(int(n) for n in recording["channel_dims"])
  if channels[1:] not in ((1,), (1, 3)) or channels[0] < 2:
    raise unusable(
      "channel_dims", found=channels, expected="(classes, 1) or (classes, 1, 3)"
    )
  tasks = (
    Segmentation("segmentation", channels[0]),
    Depth("depth"),
    Normals("normals"),
  )
  return tasks[: len(channels)]


def _networks(
  recording: Recording, tasks: tuple[Task, ...], dtype: jnp.dtype
) -> tuple[MultiTaskNet, AutoEncoder]:
  widths = tuple(int(width) for width in recording["filters"])
  if len(widths) != released_weights.STAGES:
    raise unusable(
      "filters", found=widths, expected=f"{released_weights.STAGES} widths"
    )
  heads = tuple(Head(task.channels, dtype) for task in tasks)
  channels = sum(task.joint_channels for task in tasks)
  own_trunk = SegNet(widths, statistics="image", dtype=dtype)
  return (
    MultiTaskNet(SegNet(widths, dtype=dtype), heads, tasks),
    AutoEncoder(own_trunk, Head(channels, dtype)),
  )


def _inputs(
  recording: Recording, tasks: tuple[Task, ...]
) -> tuple[jax.Array, Labels]:
  """Return the images and, by the released rules of validity, the labels."""
  shape = recording["view0/image"].shape
  if len(shape) != 4:
    raise unusable("view0/image", found=shape, expected="[B, 3, H, W]")
  batch, _, height, width = shape
  weights = _shaped(recording, "labels_weights", (batch, len(tasks)))
  present = jnp.asarray(np.stack([weights > 0] * VIEWS))

  def views(name: str, channels: int) -> jax.Array:
    maps = (batch, channels, height, width)
    arrays = [
      _shaped(recording, f"view{index}/{name}", maps) for index in range(VIEWS)
    ]
    return jnp.asarray(np.moveaxis(np.stack(arrays), 2, -1), float)

  ids = [
    _shaped(recording, f"view{index}/seg", (batch, height, width))
    for index in range(VIEWS)
  ]
  value = jnp.asarray(np.stack(ids), jnp.int32)
  labels = {"segmentation": Label(value, value >= 0, present[..., 0])}
  recorded = {"depth": "depth", "normals": "normal"}
  for column, task in enumerate(tasks[1:], start=1):
    value = views(recorded[task.name], task.channels)
    valid = jnp.sum(value, axis=-1) != 0
    labels[task.name] = Label(value, valid, present[..., column])
  return views("image", 3), labels


def _shaped(
  recording: Recording, name: str, shape: tuple[int, ...]
) -> np.ndarray:
  array = recording[name]
  if array.shape != shape:
    raise unusable(name, found=array.shape, expected=shape)
  return array


def _check_shapes(
  network: str, recorded: Tree, init: Callable[[jax.Array], Tree]
) -> None:
  """Raise `RecordError` for the first array that a network cannot take."""
  expected = jax.tree.leaves(jax.eval_shape(init, jax.random.key(0)))
  leaves = jax.tree.leaves_with_path(recorded)
  for (path, leaf), shaped in zip(leaves, expected, strict=True):
    if leaf.shape != shaped.shape:
      name = jax.tree_util.keystr(path[1:], simple=True, separator="/")
      raise unusable(
        f"{network}/{name}",
        found=leaf.shape,
        expected=f"{shaped.shape}, after channel_dims and filters",
      )
