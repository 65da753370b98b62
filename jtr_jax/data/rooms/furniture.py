"""Beds, tables and desks, of random shape."""

import numpy as np

from jtr_jax.data.rooms import materials
from jtr_jax.data.rooms.scene import (
  Item,
  Kind,
  Part,
  Top,
  ball,
  box,
  cylinder,
  flat,
  tilt,
)
from jtr_jax.data.rooms.seats import legs


def bed(rng: np.random.Generator) -> Item:
  """Return a bed with pillows and perhaps a blanket."""
  width, depth = rng.uniform(0.9, 1.9), rng.uniform(1.95, 2.2)
  base, thick = rng.uniform(0.14, 0.34), rng.uniform(0.15, 0.28)
  top = base + thick
  sheet, frame = materials.fabric(rng), materials.wood(rng)
  mattress = (width - 0.04, thick, depth - 0.06)
  parts = [
    box(Kind.BED, frame, (0, base / 2 + 0.03, 0), (width, base - 0.06, depth)),
    box(Kind.BED, sheet, (0, base + thick / 2, 0), mattress),
  ]
  if rng.random() < 0.8:
    parts += _blanket(rng, width, depth, base, top)
  if rng.random() < 0.85:
    height = top + rng.uniform(0.15, 0.65)
    centre = (0, height / 2, -depth / 2 - 0.02)
    parts.append(box(Kind.BED, frame, centre, (width + 0.04, height, 0.06)))
  if rng.random() < 0.35:
    height = top + rng.uniform(-0.05, 0.25)
    centre = (0, height / 2, depth / 2 + 0.02)
    parts.append(box(Kind.BED, frame, centre, (width + 0.04, height, 0.05)))
  parts += _pillows(rng, width, depth, top)
  spread = width / 2 - 0.15
  tops = (Top((-spread, spread), (-0.1, depth / 2 - 0.2), top + 0.05),)
  return Item(tuple(parts), (width + 0.06, 1.0, depth + 0.1), tops)


def _blanket(
  rng: np.random.Generator,
  width: float,
  depth: float,
  base: float,
  top: float,
) -> list[Part]:
  cloth = materials.fabric(rng)
  share = rng.uniform(0.4, 0.78)
  centre = depth * (1 - share) / 2 + 0.01
  drop = rng.uniform(0.5, 1.1) * (top - base)
  size = (width + 0.04, drop + 0.03, share * depth)
  parts = [box(Kind.BED, cloth, (0, top - drop / 2 + 0.015, centre), size)]
  if rng.random() < 0.5:
    fold = (width + 0.05, 0.05, rng.uniform(0.15, 0.35))
    edge = centre - share * depth / 2 + fold[2] / 2
    lining = materials.fabric(rng)
    parts.append(box(Kind.BED, lining, (0, top + 0.03, edge), fold))
  return parts


def _pillows(
  rng: np.random.Generator, width: float, depth: float, top: float
) -> list[Part]:
  count = 1 if width < 1.2 else 2
  cloth = materials.fabric(rng)
  parts = []
  for i in range(count * int(rng.integers(1, 3))):
    x = (i % count - (count - 1) / 2) * width / count
    lean = tilt(rng.uniform(0.1, 0.7))
    z = -depth / 2 + 0.3 + 0.16 * (i // count)
    size = (min(0.7, 0.85 * width / count), 0.2, rng.uniform(0.36, 0.5))
    parts.append(ball(Kind.OBJECTS, cloth, (x, top + 0.12, z), size, lean))
  return parts


def table(rng: np.random.Generator) -> Item:
  """Return a dining table: rectangular on legs or panels, or round."""
  width, depth = rng.uniform(0.9, 1.9), rng.uniform(0.7, 1.0)
  return _table(rng, width, rng.uniform(0.7, 0.78), depth)


def coffee_table(rng: np.random.Generator) -> Item:
  """Return a low table."""
  width, depth = rng.uniform(0.6, 1.2), rng.uniform(0.45, 0.7)
  return _table(rng, width, rng.uniform(0.32, 0.5), depth)


def _table(
  rng: np.random.Generator, width: float, height: float, depth: float
) -> Item:
  top, foot = materials.wood(rng), materials.wood(rng)
  foot = top if rng.random() < 0.7 else foot
  thick = rng.uniform(0.025, 0.06)
  plate = (0.0, height - thick / 2, 0.0)
  if rng.random() < 0.25:
    side = min(width, 1.3)
    parts = [
      cylinder(Kind.TABLE, top, plate, (side, thick, side)),
      cylinder(Kind.TABLE, foot, (0, height / 2, 0), (0.1, height - 0.04, 0.1)),
      cylinder(
        Kind.TABLE, foot, (0, 0.025, 0), (side / 2, 0.05, side / 2), None, -0.4
      ),
    ]
    reach = side / 2 * 0.6
    rim = (Top((-reach, reach), (-reach, reach), height),)
    return Item(tuple(parts), (side, height, side), rim)
  parts = [box(Kind.TABLE, top, plate, (width, thick, depth))]
  if rng.random() < 0.75:
    inset = (width - 0.04, height - thick, depth - 0.04)
    parts += legs(Kind.TABLE, foot, inset, rng)
    if rng.random() < 0.5:
      apron = (width - 0.12, 0.08, depth - 0.12)
      under = (0, height - thick - 0.04, 0)
      parts.append(box(Kind.TABLE, foot, under, apron))
  else:
    for x in (0.06 - width / 2, width / 2 - 0.06):
      panel = (0.05, height - thick, depth * 0.9)
      centre = (x, (height - thick) / 2, 0)
      parts.append(box(Kind.TABLE, foot, centre, panel))
  x, z = width / 2 - 0.12, depth / 2 - 0.1
  return Item(
    tuple(parts), (width, height, depth), (Top((-x, x), (-z, z), height),)
  )


def desk(rng: np.random.Generator) -> Item:
  """Return a desk with a block of drawers at one side."""
  width, height, depth = rng.uniform(1.0, 1.7), 0.74, rng.uniform(0.55, 0.75)
  item = _table(rng, width, height, depth)
  if item.size[0] != width or rng.random() < 0.4:
    return item
  wood, side = item.parts[0].material, rng.choice([-1, 1])
  x = side * (width / 2 - 0.25)
  block = (0.4, height - 0.12, depth - 0.08)
  parts = [box(Kind.TABLE, wood, (x, 0.34, 0), block)]
  handle = materials.metal(rng)
  for y in (0.18, 0.38, 0.58):
    front = (0.36, 0.17, 0.02)
    parts.append(box(Kind.TABLE, wood, (x, y, depth / 2 - 0.03), front))
    knob = (0.12, 0.015, 0.03)
    parts.append(box(Kind.TABLE, handle, (x, y, depth / 2 - 0.01), knob))
  parts = [parts[0], *flat(parts[1:])]
  return Item((*item.parts, *parts), item.size, item.tops)
