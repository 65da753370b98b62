"""One sheet with the first images of a prediction, and what was predicted."""

import numpy as np
from PIL import Image

from jtr_jax.data.datasets.resample import Size
from jtr_jax.inference.model import Output
from jtr_jax.tasks import colours
from jtr_jax.tasks.base import Task
from jtr_jax.workdir.picture_sheets import output_sheet

_MOST = 24  # rows
_LONGEST = 256  # pixels of a tile


class Overview:
  """Collects small pictures, so that large photographs need not stay."""

  def __init__(self, tasks: tuple[Task, ...], size: Size):
    """Begin an empty sheet.

    Args:
      tasks: in the order of the columns.
      size: (H, W) of the images that the network was trained on, whose aspect
        ratio the tiles have.
    """
    self._tasks = tasks
    factor = _LONGEST / max(size)
    self._tile = (round(size[0] * factor), round(size[1] * factor))
    self._images: list[np.ndarray] = []
    self._pictures: dict[str, list[np.ndarray]] = {t.name: [] for t in tasks}
    self._spread: dict[str, list[np.ndarray]] = {}
    self._captions: dict[str, list[str]] = {t.name: [] for t in tasks}

  def add_image(self, image: np.ndarray) -> None:
    """Add u8[H, W, 3], if there is a row left."""
    if len(self._images) < _MOST:
      self._images.append(_fitted(image, self._tile))

  def add_output(self, output: Output) -> None:
    """Add what was predicted for the next image."""
    for task in self._tasks:
      if len(self._pictures[task.name]) == _MOST:
        return
      value = output.values[task.name]
      picture = _fitted(task.picture(value), self._tile, sharp=True)
      self._pictures[task.name].append(picture)
      self._captions[task.name].append(task.caption(value))
      if task.name in output.spread:
        far = output.spread[task.name]
        picture = colours.colourise(far / max(float(far.max()), 1e-9), "heat")
        fitted = _fitted(picture, self._tile, sharp=True)
        self._spread.setdefault(task.name, []).append(fitted)

  def draw(self) -> Image.Image:
    """Return the sheet."""
    return output_sheet(
      self._images, self._tasks, self._pictures, self._spread, self._captions
    )


def _fitted(
  image: np.ndarray, tile: Size, *, sharp: bool = False
) -> np.ndarray:
  """Return an image as a whole in a tile, on white."""
  height, width = image.shape[:2]
  factor = min(tile[0] / height, tile[1] / width)
  size = (max(1, round(width * factor)), max(1, round(height * factor)))
  filter_ = Image.Resampling.NEAREST if sharp else Image.Resampling.LANCZOS
  small = Image.fromarray(image).resize(size, filter_)
  card = Image.new("RGB", (tile[1], tile[0]), (255, 255, 255))
  card.paste(small, ((tile[1] - size[0]) // 2, (tile[0] - size[1]) // 2))
  return np.asarray(card)
