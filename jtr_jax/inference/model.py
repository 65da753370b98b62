"""Trained networks as one model: from images to values in their units."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets.resample import Size
from jtr_jax.inference import whole
from jtr_jax.inference.member import Fields, Member
from jtr_jax.inference.options import Options
from jtr_jax.tasks.base import Task


class Output(NamedTuple):
  """What a model says of one image.

  Attributes:
    values: task -> value, see `Model.predict`.
    spread: task -> f32[H, W], how far the networks are from each other: the
      standard deviation of what the task compares (class probabilities, metres,
      unit vectors), as the root of its sum over channels; empty for one
      network, and without the tasks that only one of them has.
  """

  values: dict[str, np.ndarray]
  spread: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Model:
  """One trained network, or several whose predictions are averaged.

  Attributes:
    members: the networks.
  """

  members: tuple[Member, ...]

  @property
  def tasks(self) -> dict[str, Task]:
    """The tasks of all networks by name, in the order of their first one."""
    found: dict[str, Task] = {}
    for member in self.members:
      for task in member.trained.tasks:
        found.setdefault(task.name, task)
    return found

  @property
  def size(self) -> Size:
    """(H, W) of the images that the first network was trained on."""
    return self.members[0].size

  def predict(
    self,
    image: np.ndarray,
    *,
    flip: bool = False,
    windows: bool = False,
    scale: float = 1.0,
    batch_size: int = 8,
  ) -> dict[str, np.ndarray]:
    """Return what every task's value is in an image.

    Args:
      image: u8[H, W, 3], or floats in [0, 1]; of any size, or several of one
        size, [N, H, W, 3].
      flip: average with the prediction for the mirrored image.
      windows: slide windows of the training size over the image, in place of
        bringing the image as a whole to that size.
      scale: of the image before it is cut into windows.
      batch_size: images, or windows, that the network sees at once.

    Returns:
      Task -> value at the size of the image: class ids i32[H, W], or numbers
      f32[H, W, C] in the unit of the task's labels; of a task with a grid its
      cells, [1, 1, C] for an image as a whole. N images add a leading axis.

    Raises:
      ValueError: the image has another form.

    Example:
      model = jtr_jax.load("runs/rooms_jtr")
      depth = model.predict(image)["depth"]  # metres, [H, W, 1]
    """
    options = Options(flip, windows, scale, batch_size)
    array = as_bytes(np.asarray(image))
    if array.ndim == 3:
      return next(self.outputs([array], options)).values
    found = [output.values for output in self.outputs(array, options)]
    return {name: np.stack([v[name] for v in found]) for name in self.tasks}

  def outputs(
    self, images: Iterable[np.ndarray], options: Options
  ) -> Iterator[Output]:
    """Yield values and spreads of images, a batch in memory at a time.

    Args:
      images: u8[H, W, 3] each, of any sizes.
      options: how they are predicted.
    """
    remaining = iter(images)
    while batch := list(itertools.islice(remaining, options.batch_size)):
      found = [member.predict(batch, options) for member in self.members]
      for index, image in enumerate(batch):
        size = (image.shape[0], image.shape[1])
        yield self._combine([fields[index] for fields in found], size)

  def _combine(self, found: Sequence[Fields], size: Size) -> Output:
    values, spread = {}, {}
    for name, task in self.tasks.items():
      fields = [fields[name] for fields in found if name in fields]
      own = size if task.grid is None else task.grid
      values[name], far = combine(task, fields, own)
      if len(fields) > 1:
        spread[name] = far
    return Output(values, spread)


def combine(
  task: Task, fields: Sequence[np.ndarray], size: Size
) -> tuple[np.ndarray, np.ndarray]:
  """Return the mean of several predictions as a value, and their spread.

  Predictions are averaged as they are: logits, not probabilities.

  Args:
    task: the task.
    fields: f32[h, w, C] each, of any sizes.
    size: (H, W) of the result.

  Returns:
    The value, and f32[H, W], see `Output.spread`.
  """
  values, spread = [], []
  blocks = zip(*(whole.row_blocks(f, size) for f in fields), strict=True)
  for block in blocks:
    values.append(task.output_value(np.mean(block, axis=0)))
    if len(fields) > 1:
      seen = np.stack([np.asarray(task.comparable(part)) for part in block])
      spread.append(np.sqrt(np.sum(np.var(seen, axis=0), axis=-1)))
  joined = np.concatenate(values)
  return joined, np.concatenate(spread) if spread else np.zeros(size)


def as_bytes(image: np.ndarray) -> np.ndarray:
  """Return u8[..., H, W, 3] of an image of bytes or of floats in [0, 1].

  Raises:
    ValueError: another shape, type or range.
  """
  is_float = image.dtype.kind == "f"
  if image.ndim in (3, 4) and image.shape[-1] == 3 and image.size:
    if image.dtype == np.uint8:
      return image
    if is_float and image.min() >= 0 and image.max() <= 1:
      return np.rint(image * 255).astype(np.uint8)
  found = f"{image.dtype}{list(image.shape)}"
  if is_float and image.size:
    found += f" from {np.min(image):g} to {np.max(image):g}"
  raise ValueError(
    errors.message(
      "This is no image that can be predicted for",
      found=found,
      expected="u8[H, W, 3] or [N, H, W, 3], or floats in [0, 1]",
      do="Convert it; np.asarray(PIL.Image.open(path).convert('RGB')) will do.",
    )
  )


def check_same_tasks(members: Sequence[Member]) -> None:
  """Raise unless networks mean the same by the names of their tasks.

  Raises:
    ValueError: naming the task and two runs that differ in it.
  """
  seen: dict[str, tuple[Task, Member]] = {}
  for member in members:
    for task in member.trained.tasks:
      first, other = seen.setdefault(task.name, (task, member))
      if _meaning(first) != _meaning(task):
        raise ValueError(
          errors.message(
            f"Two runs mean different things by task {task.name!r}",
            found=f"{_meaning(first)} in {other.trained.folder}, "
            f"{_meaning(task)} in {member.trained.folder}",
            expected="the same kind, channels and classes",
            do="Predict with each of them apart.",
          )
        )


def _meaning(task: Task) -> Mapping[str, object]:
  return {
    "kind": task.kind,
    "channels": task.channels,
    "grid": task.grid,
    "classes": getattr(task, "class_names", ()),
  }
