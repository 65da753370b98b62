"""Sheets of pictures: predictions beside labels.

A row for each image, a column for each kind of picture, columns grouped by
task, as in the figures of the JTR paper's supplement.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jtr_jax.core.types import Label
from jtr_jax.tasks import colours
from jtr_jax.tasks.base import Legend, Task
from jtr_jax.workdir import sheet_files

_MIN_TILE = 160  # pixels; smaller pictures are enlarged by a whole factor
_GAP, _GROUP_GAP, _MARGIN = 4, 18, 14
_PAPER, _INK, _FAINT = (255, 255, 255), (30, 30, 30), (110, 110, 110)


class _Column(NamedTuple):
  group: str
  caption: str
  tiles: list[np.ndarray]


def prediction_sheet(
  images: np.ndarray,
  tasks: Sequence[Task],
  predictions: Mapping[str, np.ndarray],
  labels: Mapping[str, Label],
) -> Image.Image:
  """Draw input, and for each task label, prediction and error.

  Args:
    images: u8[N, H, W, 3].
    tasks: the tasks to draw, in this order.
    predictions: for each task f32[N, H, W, C], activated.
    labels: for each task N labels as host arrays; hatched where the image has
      none or leaves several classes possible, dark grey where a pixel has none.

  Returns:
    An RGB picture with N rows.
  """
  size = (images.shape[1], images.shape[2])
  columns = [_Column("", "input", list(images))]
  for task in tasks:
    guesses = task.output_value(np.asarray(predictions[task.name]))
    columns += _label_columns(task, guesses, labels[task.name], size)
  return _sheet(columns, _legends(tasks, errors=True))


def encoding_sheet(
  images: np.ndarray,
  tasks: Sequence[Task],
  columns: Sequence[tuple[str, Mapping[str, np.ndarray]]],
) -> Image.Image:
  """Draw input, and for each task some joint encodings.

  Args:
    images: u8[N, H, W, 3].
    tasks: the tasks to draw, in this order.
    columns: caption, and for each task f32[N, H, W, J] in the joint encoding;
      NaN is drawn as invalid.

  Returns:
    An RGB picture with N rows.
  """
  drawn = [_Column("", "input", list(images))]
  for task in tasks:
    for caption, codes in columns:
      tiles = [task.picture_joint(x) for x in np.asarray(codes[task.name])]
      drawn.append(_Column(task.name, caption, tiles))
  return _sheet(drawn, _legends(tasks))


def output_sheet(
  images: Sequence[np.ndarray],
  tasks: Sequence[Task],
  pictures: Mapping[str, Sequence[np.ndarray]],
  spread: Mapping[str, Sequence[np.ndarray]],
  captions: Mapping[str, Sequence[str]],
) -> Image.Image:
  """Draw input, and for each task what was predicted.

  Args:
    images: u8[H, W, 3], all of one size.
    tasks: the tasks to draw, in this order.
    pictures: for each task u8[H, W, 3] for each image.
    spread: the same of how far several networks are apart; a task may lack it.
    captions: for each task what stands on its pictures, "" for nothing.

  Returns:
    An RGB picture with a row for each image.
  """
  size = (images[0].shape[0], images[0].shape[1])
  columns = [_Column("", "input", list(images))]
  for task in tasks:
    pairs = zip(pictures[task.name], captions[task.name], strict=True)
    tiles = [_tile(picture, size, caption) for picture, caption in pairs]
    columns.append(_Column(task.name, "prediction", tiles))
    if task.name in spread:
      columns.append(_Column(task.name, "spread", list(spread[task.name])))
  return _sheet(columns, _legends(tasks))


def _legends(
  tasks: Sequence[Task], *, errors: bool = False
) -> list[tuple[str, Legend]]:
  """Return the legends of values, and on request of errors, with names."""
  found: list[tuple[str, Legend]] = []
  for task in tasks:
    found.append((task.name, task.legend))
    if errors:
      found.append((f"error of {task.name}", task.error_legend))
  return found


def _label_columns(
  task: Task, guesses: np.ndarray, label: Label, size: tuple[int, int]
) -> list[_Column]:
  """Return the columns label, prediction and error of one task."""
  truths: list[np.ndarray] = []
  errors: list[np.ndarray] = []
  for i, guess in enumerate(guesses):
    if label.present[i]:
      value = _stored_form(
        np.asarray(label.value[i]), np.asarray(label.valid[i])
      )
      truths.append(_tile(task.picture(value), size, task.caption(value)))
      errors.append(_tile(task.error_picture(guess, value), size))
    else:
      truths.append(colours.hatched(*size))
      errors.append(colours.hatched(*size))
  pictures = [
    _tile(task.picture(guess), size, task.caption(guess)) for guess in guesses
  ]
  return [
    _Column(task.name, "label", truths),
    _Column(task.name, "prediction", pictures),
    _Column(task.name, "error", errors),
  ]


def _tile(
  picture: np.ndarray, size: tuple[int, int], caption: str = ""
) -> np.ndarray:
  """Return u8[H, W, 3]: cells enlarged to the image, with words on them."""
  if picture.shape[:2] != size:
    big = Image.fromarray(picture).resize(
      (size[1], size[0]), Image.Resampling.NEAREST
    )
    picture = np.asarray(big)
  if not caption:
    return picture
  card = Image.fromarray(picture)
  draw, font = ImageDraw.Draw(card), _font(max(8, size[1] // 12))
  lines = caption.split(", ")
  text = "\n".join(lines[: max(1, size[0] // (2 * int(font.size)))])
  place = (size[1] / 2, size[0] / 2)
  box = draw.multiline_textbbox(place, text, font, anchor="mm", align="center")
  draw.rectangle(box, fill=_PAPER)
  draw.multiline_text(place, text, _INK, font, anchor="mm", align="center")
  return np.asarray(card)


def _stored_form(value: np.ndarray, valid: np.ndarray) -> np.ndarray:
  """Return a label's value with -1 or NaN where it is not valid."""
  if np.issubdtype(value.dtype, np.integer):
    return np.where(valid, value, -1)
  return np.where(valid[..., None], value, np.nan)


def _sheet(
  columns: Sequence[_Column], legends: Sequence[tuple[str, Legend]]
) -> Image.Image:
  """Arrange columns under their captions, with named legends below."""
  height, width = columns[0].tiles[0].shape[:2]
  factor = math.ceil(_MIN_TILE / width)
  height, width = height * factor, width * factor
  font = _font(max(11, width // 15))
  line = round(1.5 * font.size)
  lefts = _lefts(columns, width)
  top = _MARGIN + 2 * line
  bottom = top + len(columns[0].tiles) * (height + _GAP)
  legend = _legend_rows(legends, font, lefts[-1] + width - _MARGIN)
  size = (
    lefts[-1] + width + _MARGIN,
    bottom + len(legend) * line + (_GAP if legend else 0) + _MARGIN - _GAP,
  )
  sheet = Image.new("RGB", size, _PAPER)
  draw = ImageDraw.Draw(sheet)
  _draw_captions(draw, columns, lefts, width, font, line)
  tiles = []
  for column, left in zip(columns, lefts, strict=True):
    for row, tile in enumerate(column.tiles):
      big = tile.repeat(factor, axis=0).repeat(factor, axis=1)
      corner = (left, top + row * (height + _GAP))
      sheet.paste(Image.fromarray(big), corner)
      box = (*corner, corner[0] + width, corner[1] + height)
      tiles.append(sheet_files.Tile(column.group, column.caption, row, box))
  sheet.info[sheet_files.TILES] = tiles
  for row, entries in enumerate(legend):
    _draw_legend(draw, entries, bottom + _GAP + row * line, font)
  return sheet


def _font(size: int) -> ImageFont.FreeTypeFont:
  """Return Pillow's own font, which is scalable when a size is asked for."""
  return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))


def _lefts(columns: Sequence[_Column], width: int) -> list[int]:
  """Return the left edge of each column, with wider gaps between groups."""
  lefts = [_MARGIN]
  for before, column in itertools.pairwise(columns):
    same = before.group == column.group
    lefts.append(lefts[-1] + width + (_GAP if same else _GROUP_GAP))
  return lefts


def _draw_captions(
  draw: ImageDraw.ImageDraw,
  columns: Sequence[_Column],
  lefts: Sequence[int],
  width: int,
  font: ImageFont.FreeTypeFont,
  line: int,
) -> None:
  """Write group names above captions."""
  groups: dict[str, list[int]] = {}
  for column, left in zip(columns, lefts, strict=True):
    groups.setdefault(column.group, []).append(left)
    draw.text(
      (left + width / 2, _MARGIN + 1.5 * line),
      column.caption,
      _FAINT,
      font,
      anchor="mm",
    )
  for group, edges in groups.items():
    centre = (edges[0] + edges[-1] + width) / 2
    draw.text((centre, _MARGIN + line / 2), group, _INK, font, anchor="mm")


class _Entry(NamedTuple):
  left: float
  text: str
  colour: tuple[int, int, int] | None


def _legend_rows(
  legends: Sequence[tuple[str, Legend]],
  font: ImageFont.FreeTypeFont,
  width: int,
) -> list[list[_Entry]]:
  """Break all legends into rows of at most `width` pixels."""
  rows: list[list[_Entry]] = []
  swatch = 1.4 * font.size
  for name, legend in legends:
    if not legend:
      continue
    indent = _MARGIN + font.getlength(name) + font.size
    rows.append([_Entry(_MARGIN, name, None)])
    left = indent
    for text, colour in legend:
      length = swatch + font.getlength(text) + font.size
      if left + length > width and left > indent:
        rows.append([])
        left = indent
      rows[-1].append(_Entry(left, text, colour))
      left += length
  return rows


def _draw_legend(
  draw: ImageDraw.ImageDraw,
  entries: Sequence[_Entry],
  top: int,
  font: ImageFont.FreeTypeFont,
) -> None:
  """Write one row of the legend."""
  side = font.size
  for left, text, colour in entries:
    if colour is not None:
      box = (left, top, left + side, top + side)
      draw.rectangle(box, fill=colour, outline=_FAINT)
      left += 1.4 * side
    ink = _INK if colour is None else _FAINT
    draw.text((left, top + side / 2), text, ink, font, anchor="lm")
