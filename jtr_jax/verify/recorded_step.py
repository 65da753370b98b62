"""What recorded steps of the released programs have in common.

The tasks of NYUv2 or Cityscapes, the multi-task SegNet, views with labels, and
the check that recorded networks fit.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import Label, Labels
from jtr_jax.models.base import Tree
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.verify import released_weights
from jtr_jax.verify.comparison import Recording, unusable


def make_tasks(name: str, channels: tuple[int, ...]) -> tuple[Task, ...]:
  """Return segmentation, depth and, if there are three, normals.

  Args:
    name: the array that has the channels, for the error.
    channels: of each task.

  Raises:
    RecordError: other tasks than these.
  """
  if channels[1:] not in ((1,), (1, 3)) or channels[0] < 2:
    raise unusable(
      name, found=channels, expected="(classes, 1) or (classes, 1, 3)"
    )
  tasks = (
    Segmentation("segmentation", channels[0]),
    Depth("depth"),
    Normals("normals", unit_labels=False),
  )
  return tasks[: len(channels)]


def read_filters(recording: Recording) -> tuple[int, ...]:
  """Return the widths of the five stages.

  Raises:
    RecordError: another number of them.
  """
  widths = tuple(int(width) for width in recording["filters"])
  if len(widths) != released_weights.STAGES:
    raise unusable(
      "filters", found=widths, expected=f"{released_weights.STAGES} widths"
    )
  return widths


def make_net(
  tasks: tuple[Task, ...], widths: tuple[int, ...], dtype: jnp.dtype
) -> MultiTaskNet:
  """Return the multi-task SegNet."""
  heads = tuple(Head(task.channels, dtype) for task in tasks)
  return MultiTaskNet(SegNet(widths, dtype=dtype), heads, tasks)


def read_views(
  recording: Recording, tasks: tuple[Task, ...], count: int
) -> tuple[jax.Array, Labels]:
  """Return the images and, by the released rules of validity, the labels.

  Args:
    recording: arrays view<i>/{image,seg,depth,normal} and labels_weights.
    tasks: the tasks.
    count: how many views there are.

  Returns:
    f[V, B, H, W, 3], and labels with leading axes V and B.

  Raises:
    RecordError: an array is missing or has the wrong shape.
  """
  shape = recording["view0/image"].shape
  if len(shape) != 4:
    raise unusable("view0/image", found=shape, expected="[B, 3, H, W]")
  batch, _, height, width = shape
  weights = shaped(recording, "labels_weights", (batch, len(tasks)))
  present = jnp.asarray(np.stack([weights > 0] * count))

  def views(name: str, channels: int) -> jax.Array:
    maps = (batch, channels, height, width)
    arrays = [
      shaped(recording, f"view{index}/{name}", maps) for index in range(count)
    ]
    return jnp.asarray(np.moveaxis(np.stack(arrays), 2, -1), float)

  ids = [
    shaped(recording, f"view{index}/seg", (batch, height, width))
    for index in range(count)
  ]
  value = jnp.asarray(np.stack(ids), jnp.int32)
  labels = {"segmentation": Label(value, value >= 0, present[..., 0])}
  recorded = {"depth": "depth", "normals": "normal"}
  for column, task in enumerate(tasks[1:], start=1):
    value = views(recorded[task.name], task.channels)
    valid = jnp.sum(value, axis=-1) != 0
    labels[task.name] = Label(value, valid, present[..., column])
  return views("image", 3), labels


def shaped(
  recording: Recording, name: str, shape: tuple[int, ...]
) -> np.ndarray:
  """Return an array, or raise `RecordError` if its shape is another."""
  array = recording[name]
  if array.shape != shape:
    raise unusable(name, found=array.shape, expected=shape)
  return array


def check_shapes(
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
