"""Files of picture sheets, which know where each of their pictures is."""

import io
import json
from pathlib import Path
from typing import NamedTuple

from PIL import Image, PngImagePlugin

from jtr_jax.workdir import text_files

TILES = "jtr_jax tiles"
"""Key of the tiles in a sheet's `info`, and in its file."""


class Tile(NamedTuple):
  """One picture of a sheet.

  Attributes:
    group: the task, "" for the input.
    caption: of the column, such as "prediction".
    row: which image.
    box: left, upper, right, lower, pixels.
  """

  group: str
  caption: str
  row: int
  box: tuple[int, int, int, int]


def save(sheet: Image.Image, path: Path) -> None:
  """Write a sheet as PNG, with its tiles as a text inside.

  Args:
    sheet: of `picture_sheets`.
    path: of the file.

  Raises:
    OSError: it cannot be written.
  """
  about = PngImagePlugin.PngInfo()
  about.add_text(TILES, json.dumps(sheet.info.get(TILES, [])))
  content = io.BytesIO()
  sheet.save(content, "PNG", pnginfo=about)
  text_files.replace_bytes(path, content.getvalue())


def read_tiles(sheet: Image.Image) -> list[Tile]:
  """Return the tiles of a sheet that was opened; [] for one of no text."""
  rows = json.loads(sheet.info.get(TILES, "[]"))
  return [
    Tile(group, caption, row, (box[0], box[1], box[2], box[3]))
    for group, caption, row, box in rows
  ]
