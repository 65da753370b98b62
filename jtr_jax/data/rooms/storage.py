"""Shelves with books, cabinets, wardrobes, kitchen units."""

import numpy as np

from jtr_jax.data.rooms import materials
from jtr_jax.data.rooms.scene import (
  Item,
  Kind,
  Material,
  Part,
  Top,
  box,
  flat,
  roll,
)

FURNITURE = Kind.FURNITURE


def bookshelf(rng: np.random.Generator) -> Item:
  """Return open shelves, mostly filled with books."""
  width, height = rng.uniform(0.6, 1.5), rng.uniform(0.9, 2.1)
  depth = rng.uniform(0.24, 0.35)
  wood, board = materials.wood(rng), 0.03
  parts = [
    box(FURNITURE, wood, (x, height / 2, 0), (board, height, depth))
    for x in (board / 2 - width / 2, width / 2 - board / 2)
  ]
  back = (0, height / 2, 0.01 - depth / 2)
  parts.append(box(FURNITURE, wood, back, (width, height, 0.02)))
  rows = max(2, round(height / rng.uniform(0.3, 0.4)))
  levels = np.linspace(board / 2 + 0.04, height - board / 2, rows + 1)
  for y in levels:
    plate = (width - 2 * board, board, depth)
    parts.append(box(FURNITURE, wood, (0, float(y), 0), plate))
  gap = float(levels[1] - levels[0]) - board
  inner, tops = width / 2 - board - 0.02, []
  filling = rng.uniform(0.3, 1.0)
  for y in levels[:-1] + board / 2:
    if rng.random() < filling:
      parts += books(rng, inner, float(y), gap, depth)
    else:
      tops.append(Top((-inner, inner), (0, depth / 3), float(y), gap))
  tops.append(Top((-inner, inner), (-0.05, 0.05), height))
  return Item(tuple(parts), (width, height, depth), tuple(tops))


def books(
  rng: np.random.Generator, half: float, y: float, gap: float, depth: float
) -> list[Part]:
  """Return a row of standing books between x = -half and half.

  Args:
    rng: chooses groups of books of one height.
    half: half the width of the shelf.
    y: the level that they stand on.
    gap: height that is free above it.
    depth: of the shelf.

  Returns:
    One part for each group.
  """
  parts: list[Part] = []
  x = -half
  while x < half - 0.06:
    width = min(rng.uniform(0.06, 0.4), half - x)
    if rng.random() < 0.15:
      x += width
      continue
    height = gap * rng.uniform(0.55, 0.95)
    deep = depth * rng.uniform(0.55, 0.85)
    centre = (x + width / 2, y + height / 2, depth / 2 - deep / 2 - 0.02)
    lean = roll(rng.uniform(-0.2, 0.2)) if width < 0.1 else None
    part = box(
      Kind.BOOKS, materials.spines(rng), centre, (width, height, deep), lean
    )
    parts.append(part)
    x += width + rng.choice([0.0, 0.005, 0.02])
  return flat(parts)


def cabinet(rng: np.random.Generator) -> Item:
  """Return a sideboard or chest with doors or drawers."""
  width, height = rng.uniform(0.6, 1.6), rng.uniform(0.45, 1.15)
  depth = rng.uniform(0.38, 0.55)
  parts = _carcass(rng, width, height, depth, rng.uniform(0.0, 0.15))
  x, z = width / 2 - 0.1, depth / 2 - 0.1
  return Item(
    tuple(parts), (width, height, depth), (Top((-x, x), (-z, z), height),)
  )


def night_stand(rng: np.random.Generator) -> Item:
  """Return a small chest for the bedside."""
  width, height = rng.uniform(0.35, 0.55), rng.uniform(0.4, 0.65)
  depth = rng.uniform(0.35, 0.45)
  parts = _carcass(rng, width, height, depth, 0.05)
  x, z = width / 2 - 0.1, depth / 2 - 0.1
  return Item(
    tuple(parts), (width, height, depth), (Top((-x, x), (-z, z), height),)
  )


def wardrobe(rng: np.random.Generator) -> Item:
  """Return a tall cupboard or a refrigerator."""
  width, height = rng.uniform(0.6, 1.8), rng.uniform(1.6, 2.2)
  depth = rng.uniform(0.5, 0.65)
  parts = _carcass(rng, width, height, depth, 0.04, columns_only=True)
  x = width / 2 - 0.2
  top = Top((-x, x), (-0.1, 0.1), height, 0.3)
  return Item(tuple(parts), (width, height, depth), (top,))


def counter(rng: np.random.Generator, length: float) -> Item:
  """Return a row of kitchen units with a worktop and a sink."""
  depth, height = 0.6, rng.uniform(0.85, 0.95)
  parts = _carcass(rng, length, height - 0.04, depth, 0.08)
  slab = materials.floor(rng)
  plate = (length + 0.02, 0.04, depth + 0.03)
  parts.append(box(FURNITURE, slab, (0, height - 0.02, 0.01), plate))
  steel = materials.metal(rng)
  x = rng.uniform(-0.3, 0.3) * length
  basin = (0.5, 0.012, 0.4)
  parts.append(box(Kind.OBJECTS, steel, (x, height + 0.004, 0), basin))
  spout = (0.03, 0.25, 0.03)
  parts.append(box(Kind.OBJECTS, steel, (x, height + 0.12, -0.22), spout))
  arm = (0.025, 0.025, 0.18)
  parts.append(box(Kind.OBJECTS, steel, (x, height + 0.24, -0.14), arm))
  reach = length / 2 - 0.15
  tops = (Top((-reach, reach), (-0.2, 0.2), height + 0.01, 0.4),)
  return Item(tuple(parts), (length, height, depth), tops)


def wall_units(rng: np.random.Generator, length: float) -> Item:
  """Return cupboards that hang above a counter; y = 0 is their lower edge."""
  height, depth = rng.uniform(0.5, 0.75), 0.33
  parts = _carcass(rng, length, height, depth, 0, columns_only=True)
  return Item(tuple(parts), (length, height, depth))


def wall_shelf(rng: np.random.Generator) -> Item:
  """Return a board on a wall with books or things on it; y = 0 is its top."""
  width, depth = rng.uniform(0.5, 1.3), rng.uniform(0.18, 0.28)
  wood = materials.wood(rng)
  parts = [box(FURNITURE, wood, (0, -0.015, 0), (width, 0.03, depth))]
  tops: tuple[Top, ...] = ()
  half = width / 2 - 0.05
  if rng.random() < 0.6:
    parts += books(rng, half, 0, 0.3, depth)
  else:
    tops = (Top((-half, half), (-0.03, 0.03), 0, 0.4),)
  return Item(tuple(parts), (width, 0.3, depth), tops)


def _carcass(
  rng: np.random.Generator,
  width: float,
  height: float,
  depth: float,
  foot: float,
  columns_only: bool = False,
) -> list[Part]:
  body, handle = materials.wood(rng), materials.metal(rng)
  front = body if rng.random() < 0.6 else materials.lacquer(rng)
  size = (width, height - foot, depth)
  parts = [box(FURNITURE, body, (0, (foot + height) / 2, 0), size)]
  if foot > 0:
    plinth = (width - 0.06, foot, depth - 0.1)
    parts.append(box(FURNITURE, body, (0, foot / 2, 0), plinth))
  columns = max(1, round(width / rng.uniform(0.4, 0.65)))
  rows = 1 if columns_only else int(rng.integers(1, 5))
  return parts + _fronts(
    front, handle, (width, height - foot, depth), foot, columns, rows
  )


def _fronts(
  front: Material,
  handle: Material,
  size: tuple[float, float, float],
  foot: float,
  columns: int,
  rows: int,
) -> list[Part]:
  width, height, depth = size
  step, rise = width / columns, height / rows
  parts = []
  for i in range(columns):
    for j in range(rows):
      x = (i + 0.5) * step - width / 2
      y = foot + (j + 0.5) * rise
      panel = (step - 0.02, rise - 0.02, 0.018)
      parts.append(box(FURNITURE, front, (x, y, depth / 2), panel))
      if rows > 1:
        grip, at = (0.14, 0.018, 0.03), (x, y, depth / 2 + 0.02)
      else:
        side = step / 2 - 0.06
        grip = (0.018, 0.14, 0.03)
        at = (x + (side if i % 2 == 0 else -side), y, depth / 2 + 0.02)
      parts.append(box(FURNITURE, handle, at, grip))
  return flat(parts)
