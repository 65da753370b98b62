"""The runs' pictures of the same images, beside each other."""

import base64
import hashlib
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image

from jtr_jax.report.runs import Run
from jtr_jax.report.tables import swatch
from jtr_jax.workdir import sheet_files
from jtr_jax.workdir.sheet_files import Tile

_SHEET = "predictions.png"
_ROWS = 4  # images
_TILE = 320  # pixels at most
_WHOLE = 1600  # pixels at most of a sheet
_QUALITY = 82


def section(runs: Sequence[Run]) -> str:
  """Return what the runs predict for the first images, and other sheets.

  Args:
    runs: those without pictures are left out.

  Returns:
    HTML with the pictures inside; "" without any.
  """
  sheets = {
    number: _open(run.folder / "pictures" / _SHEET)
    for number, run in enumerate(runs)
    if (run.folder / "pictures" / _SHEET).exists()
  }
  parts = [_same_images(runs, sheets)] if sheets else []
  for number, run in enumerate(runs):
    for path in sorted((run.folder / "pictures").glob("*.png")):
      whole = path.name != _SHEET or number not in _with_tiles(sheets)
      if whole:
        parts.append(_whole_sheet(number, run, path))
  return "".join(parts)


def _open(path: Path) -> Image.Image:
  with Image.open(path) as picture:
    picture.load()
  return picture


def _with_tiles(sheets: dict[int, Image.Image]) -> set[int]:
  return {
    number for number, own in sheets.items() if sheet_files.read_tiles(own)
  }


def _same_images(runs: Sequence[Run], sheets: dict[int, Image.Image]) -> str:
  """Return a block for each image and task: input, label, and each run's."""
  tiles = {n: sheet_files.read_tiles(own) for n, own in sheets.items()}
  tasks = dict.fromkeys(
    tile.group for own in tiles.values() for tile in own if tile.group
  )
  seen: dict[str, str] = {}
  blocks = []
  for row in range(_ROWS):
    for task in tasks:
      cards: dict[str, str] = {}
      for number, own in tiles.items():
        for name, tile in _wanted(own, row, task):
          picture = _data_url(sheets[number].crop(tile.box), _TILE)
          if name == "prediction":
            label = swatch(number) + escape(runs[number].name)
            cards[f"prediction {number}"] = _card(
              picture, label, f' data-run="{number}"'
            )
          elif seen.setdefault(f"{name} {row} {task}", picture) == picture:
            cards.setdefault(name, _card(picture, escape(name)))
          else:  # other images, or labels at another size
            key = hashlib.sha1(picture.encode()).hexdigest()
            named = f"{name} of {runs[number].name}"
            cards.setdefault(f"{name} {key}", _card(picture, escape(named)))
      if cards:
        title = f"<h3>Image {row + 1}: {escape(task)}</h3>"
        grid = f'<div class="pictures">{"".join(_ordered(cards))}</div>'
        blocks.append(title + grid)
  return "".join(blocks)


def _wanted(
  tiles: Sequence[Tile], row: int, task: str
) -> list[tuple[str, Tile]]:
  """Return the tiles of an image that a task's block shows."""
  return [
    (tile.caption, tile)
    for tile in tiles
    if tile.row == row
    and tile.group in ("", task)
    and tile.caption in ("input", "label", "prediction")
  ]


def _ordered(cards: dict[str, str]) -> list[str]:
  """Return the cards: inputs, labels, then predictions."""
  order = ("input", "label", "prediction")
  return [
    card
    for first in order
    for name, card in cards.items()
    if name.split(" ")[0] == first
  ]


def _whole_sheet(number: int, run: Run, path: Path) -> str:
  picture = _data_url(_open(path), _WHOLE)
  name = f"{escape(path.stem)} of {swatch(number)}{escape(run.name)}"
  return (
    f'<details data-run="{number}"><summary>{name}</summary>'
    f'<img src="{picture}" alt="{escape(path.stem)}"></details>'
  )


def _card(picture: str, label: str, attributes: str = "") -> str:
  return (
    f'<figure{attributes}><img src="{picture}" alt="">'
    f"<figcaption>{label}</figcaption></figure>"
  )


def _data_url(picture: Image.Image, most: int) -> str:
  small = picture.convert("RGB")
  small.thumbnail((most, most))
  file = io.BytesIO()
  small.save(file, "WEBP", quality=_QUALITY)
  data = base64.b64encode(file.getvalue()).decode()
  return f"data:image/webp;base64,{data}"
