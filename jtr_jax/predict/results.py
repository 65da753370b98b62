"""What predictions leave in their folder, each file whole or not there."""

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jtr_jax.core import errors
from jtr_jax.inference.model import Model, Output
from jtr_jax.predict.overview import Overview
from jtr_jax.tasks import colours
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.workdir import text_files

FORMATS = ("npy", "png16")

_ABOUT = "predictions.json"
_OVERVIEW = "overview.png"
_MOST = 65535  # of 16 bits
_HEADROOM = 4  # how far beyond the range of pictures 16 bits reach


class Results:
  """The folder of some predictions.

  `TASK/NAME` holds the value, `pictures/TASK/NAME.png` what it looks like,
  `spread/TASK/NAME.npy` how far several networks are apart; labels of images as
  a whole are lines of `TASK.tsv`.
  """

  def __init__(
    self, folder: Path, model: Model, *, values: str, overwrite: bool
  ):
    """Check the folder; nothing is written yet.

    Args:
      folder: where to write; made when needed.
      model: what predicts.
      values: how numbers are written, see `FORMATS`.
      overwrite: write over earlier predictions.

    Raises:
      ValueError: there is something else in the folder.
    """
    _check_folder(folder, overwrite)
    self._folder, self._values = folder, values
    self._tasks = model.tasks
    self._overview = Overview(tuple(self._tasks.values()), model.size)
    self._captions: dict[str, list[str]] = {
      name: [] for name, task in self._tasks.items() if task.grid == (1, 1)
    }

  def note(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the images, and remember the first for the overview."""
    for image in images:
      self._overview.add_image(image)
      yield image

  def add(self, name: str, output: Output) -> None:
    """Write what a model says of one image.

    Args:
      name: of the image.
      output: of the model.

    Raises:
      OSError: a file cannot be written.
    """
    self._overview.add_output(output)
    for task_name, value in output.values.items():
      task = self._tasks[task_name]
      if task.grid == (1, 1):
        line = f"{name}\t{task.caption(value)}\n"
        self._captions[task_name].append(line)
      suffix, data = encode(task, value, self._values)
      self._write(f"{task_name}/{name}{suffix}", data)
      picture = Image.fromarray(task.picture(value))
      self._write(f"pictures/{task_name}/{name}.png", _png(picture))
    for task_name, spread in output.spread.items():
      data = _npy(spread.astype(np.float32))
      self._write(f"spread/{task_name}/{name}.npy", data)

  def finish(self, about: Mapping[str, Any]) -> None:
    """Write the overview, and what the files are.

    Args:
      about: how the predictions were made, for JSON.

    Raises:
      OSError: a file cannot be written.
    """
    for task_name, lines in self._captions.items():
      self._write(f"{task_name}.tsv", "".join(lines).encode())
    self._write(_OVERVIEW, _png(self._overview.draw()))
    tasks = {
      name: {"kind": task.kind, **description(task, self._values)}
      for name, task in self._tasks.items()
    }
    text = json.dumps({**about, "tasks": tasks}, indent=2, ensure_ascii=False)
    self._write(_ABOUT, (text + "\n").encode())

  def _write(self, name: str, data: bytes) -> None:
    path = self._folder / name
    with text_files.clear_errors(path):
      path.parent.mkdir(parents=True, exist_ok=True)
    text_files.replace_bytes(path, data)


def encode(task: Task, value: np.ndarray, form: str) -> tuple[str, bytes]:
  """Return the suffix and the bytes of a value's file.

  Args:
    task: the task.
    value: of its `output_value`.
    form: how numbers are written, see `FORMATS`.

  Returns:
    Class ids as PNG, with the palette of the pictures up to 256 classes and in
    16 bits beyond; numbers as float32 npy, or one channel as 16-bit PNG.
  """
  if isinstance(task, Segmentation) and task.has_class_ids and value.ndim == 2:
    return ".png", _png(_ids(value, task.num_classes))
  if form == "npy" or value.shape[-1] != 1:
    return ".npy", _npy(value)
  stored = np.clip(np.rint(value[..., 0] / scale(task)), 0, _MOST)
  return ".png", _png(Image.fromarray(stored.astype(np.uint16)))


def description(task: Task, form: str) -> dict[str, Any]:
  """Return what the files of a task hold, for JSON."""
  found: dict[str, Any] = {}
  if unit := getattr(task, "unit", ""):
    found["unit"] = unit
  if names := getattr(task, "class_names", ()):
    found["classes"] = list(names)
  if form == "png16" and task.channels == 1:
    found["value"] = f"stored number x {scale(task):g}, from 0"
    found["scale"] = scale(task)
  return found


def scale(task: Task) -> float:
  """Return the value of one step of a 16-bit PNG, a power of ten.

  The steps reach at least four times beyond the range of the pictures: depth up
  to 10 metres is written in millimetres.
  """
  low, high = getattr(task, "picture_range", (0.0, 1.0))
  largest = _HEADROOM * max(abs(low), abs(high))
  return float(10.0 ** math.ceil(math.log10(largest / _MOST)))


def _ids(value: np.ndarray, classes: int) -> Image.Image:
  if classes > 256:
    return Image.fromarray(value.astype(np.uint16))
  picture = Image.fromarray(value.astype(np.uint8), mode="P")
  picture.putpalette(colours.palette(classes).tobytes())
  return picture


def _png(picture: Image.Image) -> bytes:
  file = io.BytesIO()
  picture.save(file, "PNG")
  return file.getvalue()


def _npy(array: np.ndarray) -> bytes:
  file = io.BytesIO()
  np.save(file, array, allow_pickle=False)
  return file.getvalue()


def _check_folder(folder: Path, overwrite: bool) -> None:
  present = sorted(folder.iterdir()) if folder.is_dir() else []
  if folder.exists() and not folder.is_dir():
    found = "a file"
  elif present and not (folder / _ABOUT).exists():
    found = "other files, such as " + present[0].name
  elif present and not overwrite:
    found = "earlier predictions"
  else:
    return
  raise ValueError(
    errors.message(
      f"Predictions cannot be written to {folder}",
      found=found,
      expected="a new folder",
      do="Choose another --out"
      + (", or add --overwrite." if found == "earlier predictions" else "."),
    )
  )
