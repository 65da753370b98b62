"""Colours of the pictures: class palettes, colour maps, error heat (NumPy)."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from jtr_jax.core import errors

INVALID = (48, 48, 48)
"""Dark grey: no ground truth here."""

_HATCH_PERIOD, _HATCH_LIGHT, _HATCH_DARK = 12, 238, 206

MapName: TypeAlias = Literal["dusk", "magma", "heat"]

# Control points of the maps; between them the colour is interpolated linearly.
# Lightness only rises or only falls in each: the order survives in grey.
# magma: van der Walt and Smith 2015, CC0.
_MAPS: dict[str, np.ndarray] = {
  "dusk": np.array(
    [
      (18, 20, 58),
      (44, 42, 128),
      (92, 52, 168),
      (150, 50, 160),
      (204, 56, 120),
      (236, 88, 78),
      (248, 138, 56),
      (252, 194, 84),
      (255, 246, 206),
    ]
  ),
  "magma": np.array(
    [
      (0, 0, 4),
      (28, 16, 68),
      (79, 18, 123),
      (129, 37, 129),
      (181, 54, 122),
      (229, 80, 100),
      (251, 135, 97),
      (254, 194, 135),
      (252, 253, 191),
    ]
  ),
  "heat": np.array(
    [
      (250, 248, 244),
      (253, 218, 196),
      (250, 158, 128),
      (232, 80, 62),
      (178, 24, 36),
      (103, 0, 18),
    ]
  ),
}

# In the order of the 13 classes of NYUv2: bed, books, ceiling, chair, floor,
# furniture, objects, picture, sofa, table, tv, wall, window.
_PALETTE = np.array(
  [
    (214, 48, 74),
    (247, 198, 64),
    (240, 236, 222),
    (38, 150, 82),
    (140, 96, 58),
    (240, 132, 40),
    (146, 74, 190),
    (248, 138, 190),
    (48, 96, 214),
    (160, 208, 50),
    (22, 38, 92),
    (150, 172, 190),
    (64, 206, 224),
  ],
  np.uint8,
)
_EYE = np.array([1.4, 2.0, 1.0])  # how well it tells red, green and blue apart


def colourise(unit: np.ndarray, name: MapName) -> np.ndarray:
  """Paint a field with a colour map.

  Args:
    unit: float[H, W]; 0 is the map's first colour, 1 its last, values outside
      are clipped, NaN is drawn as `INVALID`.
    name: the map.

  Returns:
    u8[H, W, 3].
  """
  points = _MAPS[name]
  invalid = np.isnan(unit)
  position = np.clip(np.where(invalid, 0, unit), 0, 1) * (len(points) - 1)
  picture = np.stack(
    [np.interp(position, range(len(points)), points[:, c]) for c in range(3)],
    axis=-1,
  )
  return mark_invalid(np.rint(picture).astype(np.uint8), invalid)


def heat_legend(
  largest: float, unit: str = ""
) -> tuple[tuple[str, tuple[int, int, int]], ...]:
  """Return what the colours of the map "heat" mean.

  Args:
    largest: the error that has the darkest red; larger ones have it too.
    unit: of the error.
  """
  words = ("0", f"{largest / 2:.3g} {unit}", f"{largest:.3g} {unit} or more")
  return _heat((0.0, 0.5, 1.0), [" ".join(word.split()) for word in words])


def right_or_wrong(
  wrong: float,
) -> tuple[tuple[str, tuple[int, int, int]], ...]:
  """Return the meaning of "heat" where there is nothing between 0 and `wrong`.

  Args:
    wrong: the position of the wrong ones in the map.
  """
  return _heat((0.0, wrong), ("right", "wrong"))


def _heat(
  places: Sequence[float], words: Sequence[str]
) -> tuple[tuple[str, tuple[int, int, int]], ...]:
  rows = colourise(np.array([places]), "heat")[0].tolist()
  return tuple((w, (r, g, b)) for w, (r, g, b) in zip(words, rows, strict=True))


def mark_invalid(picture: np.ndarray, invalid: np.ndarray) -> np.ndarray:
  """Return u8[H, W, 3] with `INVALID` where bool[H, W] `invalid`."""
  return np.where(invalid[..., None], np.array(INVALID, np.uint8), picture)


def hatched(height: int, width: int) -> np.ndarray:
  """Return u8[H, W, 3]: diagonal stripes, the picture of what is unknown."""
  rows, columns = np.indices((height, width))
  dark = (rows + columns) % _HATCH_PERIOD < _HATCH_PERIOD // 3
  shade = np.where(dark, _HATCH_DARK, _HATCH_LIGHT).astype(np.uint8)
  return np.repeat(shade[..., None], 3, axis=-1)


def hatch(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
  """Return u8[H, W, 3] with stripes where bool[H, W] `where`."""
  return np.where(where[..., None], hatched(*where.shape), picture)


def check_range(name: str, picture_range: tuple[float, float]) -> None:
  """Raise `ValueError` if a task's range of values for pictures is empty."""
  low, high = picture_range
  if low >= high:
    raise ValueError(
      errors.message(
        f"Task {name!r} has an empty picture_range",
        found=str(picture_range),
        expected="(smallest, largest)",
        do="Give the range of values that pictures should show.",
      )
    )


def palette(size: int) -> np.ndarray:
  """Return the colours of classes 0 to size - 1.

  The first 13 are chosen by hand; each further one is that of a grid of colours
  which is farthest from all before it, and from `INVALID`.

  Args:
    size: number of classes.

  Returns:
    u8[size, 3]; a longer palette begins with the shorter one.
  """
  levels = np.linspace(20, 250, 9).round()
  grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
  taken = np.array([*_PALETTE, INVALID])
  nearest = _unlikeness(grid[:, None], taken).min(axis=1)
  colours = list(_PALETTE[:size])
  while len(colours) < size:
    colours.append(grid[nearest.argmax()].astype(np.uint8))
    nearest = np.minimum(nearest, _unlikeness(grid, colours[-1]))
  return np.array(colours)


def _unlikeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
  return np.linalg.norm((a - b) * _EYE, axis=-1)
