"""Draws a sheet of examples: one row an image, one column a task."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from jtr_jax.data.inspect.contents import Contents
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.stored_form import TaskOptions
from jtr_jax.tasks import colours
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.normals import Normals

_DISTANCES: dict[str, Callable[..., Task]] = {
  "depth": Depth,
  "inverse_depth": InverseDepth,
}
_OF_PICTURES = ("joint_mean", "joint_std", "picture_range", "unit")
_ROWS = 6
_WIDTH = 240  # pixels of a cell
_TITLE = 14  # pixels of the line of titles
_GAP = 4


def draw_sheet(contents: Contents, split: str) -> Image.Image:
  """Return a picture of evenly spaced examples of one split.

  Distances have the colours of training's pictures; other values go from dark
  for the smallest of a label to bright for its largest. A label that does not
  exist is hatched.
  """
  count = contents.counts[split]
  indices = np.unique(np.linspace(0, count - 1, min(_ROWS, count)).astype(int))
  rows = [_cells(contents, *contents.read(split, int(i))) for i in indices]
  height = max(cell.height for row in rows for _, cell in row)
  sheet = Image.new(
    "RGB",
    (
      len(rows[0]) * (_WIDTH + _GAP) - _GAP,
      len(rows) * (height + _TITLE + _GAP),
    ),
    "white",
  )
  draw = ImageDraw.Draw(sheet)
  for i, row in enumerate(rows):
    for j, (title, cell) in enumerate(row):
      corner = (j * (_WIDTH + _GAP), i * (height + _TITLE + _GAP))
      draw.text(corner, title, fill="black")
      sheet.paste(cell, (corner[0], corner[1] + _TITLE))
  return sheet


def _cells(
  contents: Contents, identifier: str, arrays: Arrays
) -> list[tuple[str, Image.Image]]:
  image = arrays["image"]
  assert image is not None, "every example has an image"
  cells = [(identifier, image)]
  for name, task in contents.tasks.items():
    label = arrays[name]
    if label is None:
      cells.append((name, colours.hatched(*image.shape[:2])))
    else:
      cells.append((name + _class_names(label, task), picture(label, task)))
  height = round(image.shape[0] * _WIDTH / image.shape[1])
  nearest = Image.Resampling.NEAREST
  return [
    (title, Image.fromarray(drawn).resize((_WIDTH, height), nearest))
    for title, drawn in cells
  ]


def _class_names(label: np.ndarray, task: TaskOptions) -> str:
  """Return the label of a whole image in words, after a colon, or ""."""
  if label.shape[:2] != (1, 1) or label.dtype.kind != "i":
    return ""
  ids = np.flatnonzero(label > 0) if label.ndim == 3 else label.ravel()
  names = [task["classes"][i] for i in ids if i >= 0]
  return ": " + (", ".join(names) or "none")


def picture(label: np.ndarray, task: TaskOptions) -> np.ndarray:
  """Return u8[H, W, 3] of a label in stored form."""
  if label.dtype.kind == "i" and label.ndim == 2:
    count = len(task["classes"])
    drawn = colours.palette(count)[np.clip(label, 0, count - 1)]
    drawn = colours.mark_invalid(drawn, label < 0)
    return colours.hatch(drawn, label >= count)
  values = label.astype(np.float32)
  if label.dtype.kind == "i":  # yes or no, of any channel
    highest = values.max(axis=-1, keepdims=True)
    values = np.where(highest < 0, np.float32(np.nan), highest)
  if task["kind"] == "normals":
    return Normals("normals").picture(values)
  if task["kind"] in _DISTANCES:
    known = {n: _tuple(task[n]) for n in _OF_PICTURES if n in task}
    return _DISTANCES[task["kind"]]("distance", **known).picture(values)
  return colours.colourise(_stretched(values.mean(axis=-1)), "magma")


def _tuple(value: Any) -> Any:
  return tuple(value) if isinstance(value, list) else value


def _stretched(values: np.ndarray) -> np.ndarray:
  known = values[np.isfinite(values)]
  low, high = known.min(initial=np.inf), known.max(initial=-np.inf)
  return (values - low) / max(high - low, 1e-9) if known.size else values
