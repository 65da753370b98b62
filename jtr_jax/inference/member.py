"""One network that predicts for images of any size, in batches."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.config.trained import Trained
from jtr_jax.core.types import Predictions
from jtr_jax.data.datasets.resample import Size
from jtr_jax.inference import whole, windows
from jtr_jax.inference.options import Options
from jtr_jax.models.base import Tree
from jtr_jax.tasks.base import Geometry, Task

Fields = dict[str, np.ndarray]
"""For each task f32[h, w, C], a prediction that covers one image; for a task
with a grid its cells."""


@dataclasses.dataclass(frozen=True)
class Member:
  """A network with its compiled prediction.

  Attributes:
    trained: the network.
    plain: (params, model state, u8[B, H, W, 3]) -> predictions, compiled.
    mirrored: the same, averaged with the prediction for the mirrored image.
  """

  trained: Trained
  plain: Callable[..., Predictions]
  mirrored: Callable[..., Predictions]

  @property
  def size(self) -> Size:
    """(H, W) of the images that the network was trained on."""
    return self.trained.about.size

  def predict(
    self, images: Sequence[np.ndarray], options: Options
  ) -> list[Fields]:
    """Return the predictions for some images, at the scale of the network.

    Args:
      images: u8[h, w, 3] each, of any size.
      options: how.
    """
    if options.windows:
      return [self._by_windows(image, options) for image in images]
    placed = [
      whole.place(image, self.size, self.trained.about.fit) for image in images
    ]
    found = self._run(np.stack([own.image for own in placed]), options)
    return [
      {
        task.name: _inner(task, found[task.name][index], own.inner)
        for task in self.trained.tasks
      }
      for index, own in enumerate(placed)
    ]

  def _by_windows(self, image: np.ndarray, options: Options) -> Fields:
    """Return the predictions for one image; grids are those of the whole."""
    scaled = windows.scaled(image, options.scale)
    cut = windows.cut(scaled, self.size)
    found = self._run(cut.tiles, options)
    fields = {
      task.name: windows.join(cut, found[task.name])
      for task in self.trained.tasks
      if task.grid is None
    }
    if len(fields) == len(self.trained.tasks):
      return fields
    plain = dataclasses.replace(options, windows=False)
    (of_whole,) = self.predict([image], plain)
    return {
      task.name: fields.get(task.name, of_whole[task.name])
      for task in self.trained.tasks
    }

  def _run(self, images: np.ndarray, options: Options) -> dict[str, np.ndarray]:
    """Return the predictions for u8[N, H, W, 3], batch after batch."""
    step = self.mirrored if options.flip else self.plain
    parts = []
    for start in range(0, len(images), options.batch_size):
      batch = images[start : start + options.batch_size]
      full = _full_batch(batch, options.batch_size)
      out = step(self.trained.params, self.trained.model_state, full)
      parts.append({name: out[name][: len(batch)] for name in out})
    found = jax.device_get(parts)
    return {
      name: np.concatenate([part[name] for part in found]) for name in found[0]
    }


def make_member(trained: Trained) -> Member:
  """Return a network that predicts; it compiles when it is first used."""
  net = trained.net

  def predict(params: Tree, state: Tree, images: jax.Array) -> Predictions:
    scaled = images.astype(jnp.float32) / 255
    return net.predict(params, state, scaled, train=False)[0]

  def mirrored(params: Tree, state: Tree, images: jax.Array) -> Predictions:
    first = predict(params, state, images)
    second = predict(params, state, images[:, :, ::-1])
    return {
      task.name: (first[task.name] + mirror(task, second[task.name])) / 2
      for task in net.tasks
    }

  return Member(trained, jax.jit(predict), jax.jit(mirrored))


def mirror(task: Task, prediction: Any) -> Any:
  """Return the prediction of a mirrored image for the image itself.

  Args:
    task: normals also change the sign of their x component.
    prediction: f32[..., B, H, W, C].
  """
  turned = prediction[..., ::-1, :]
  if task.geometry is Geometry.NORMALS:
    return turned * jnp.asarray([-1, 1, 1], turned.dtype)
  return turned


def _inner(task: Task, field: np.ndarray, inner: Size) -> np.ndarray:
  """Return the part of a map that the image fills; grids as they are."""
  return field if task.grid else field[: inner[0], : inner[1]]


def _full_batch(images: np.ndarray, most: int) -> np.ndarray:
  """Return images padded to a power of two, so that few programs compile."""
  count = 1
  while count < len(images):
    count *= 2
  count = min(max(count, 1), most)
  missing = np.zeros((count - len(images), *images.shape[1:]), images.dtype)
  return np.concatenate([images, missing])
