"""Small things that stand on furniture and on the floor; television sets."""

from collections.abc import Callable

import numpy as np

from jtr_jax.data.rooms import materials
from jtr_jax.data.rooms.scene import (
  Item,
  Kind,
  Material,
  Part,
  ball,
  box,
  cylinder,
  flat,
  tilt,
  turn,
)

OBJECTS = Kind.OBJECTS


def book_pile(rng: np.random.Generator) -> Item:
  """Return a pile of lying books."""
  parts, y = [], 0.0
  for _ in range(int(rng.integers(1, 6))):
    size = (rng.uniform(0.14, 0.24), rng.uniform(0.015, 0.05),
            rng.uniform(0.18, 0.3))  # fmt: skip
    cover = materials.print_(rng)
    twist = turn(rng.uniform(-0.4, 0.4))
    parts.append(box(Kind.BOOKS, cover, (0, y + size[1] / 2, 0), size, twist))
    y += size[1]
  return Item(tuple(parts), (0.25, y, 0.3))


def book_row(rng: np.random.Generator) -> Item:
  """Return a short row of standing books."""
  width, height = rng.uniform(0.12, 0.35), rng.uniform(0.18, 0.3)
  size = (width, height, 0.16)
  part = box(Kind.BOOKS, materials.spines(rng), (0, height / 2, 0), size)
  return Item((part,), size)


def carton(rng: np.random.Generator) -> Item:
  """Return a box or a packet."""
  size = tuple(rng.uniform(0.06, 0.28, 3))
  part = box(OBJECTS, _any(rng), (0, size[1] / 2, 0), size)
  return Item((part,), size)


def globe(rng: np.random.Generator) -> Item:
  """Return a ball."""
  side = rng.uniform(0.08, 0.26)
  part = ball(OBJECTS, _any(rng), (0, side / 2, 0), (side, side, side))
  return Item((part,), (side, side, side))


def vase(rng: np.random.Generator) -> Item:
  """Return a vase, a bottle, a cup or a bowl."""
  width, height = rng.uniform(0.06, 0.2), rng.uniform(0.07, 0.32)
  glaze, taper = _any(rng), rng.uniform(-0.5, 0.6)
  size = (width, height, width)
  parts = [cylinder(OBJECTS, glaze, (0, height / 2, 0), size, None, taper)]
  if rng.random() < 0.5:
    neck = (0.35 * width, 0.5 * height, 0.35 * width)
    parts.append(cylinder(OBJECTS, glaze, (0, 1.2 * height, 0), neck))
  return Item(tuple(parts), (width, 1.45 * height, width))


def plant(rng: np.random.Generator) -> Item:
  """Return a plant in a pot."""
  width, height = rng.uniform(0.12, 0.32), rng.uniform(0.12, 0.3)
  size = (width, height, width)
  pot = cylinder(OBJECTS, _any(rng), (0, height / 2, 0), size, None, 0.2)
  tint = materials.colour(rng, (0.2, 0.8), (0.1, 0.6)) * (0.5, 1.0, 0.4)
  tints = np.stack([tint, 0.4 * tint, 1.3 * tint])
  leaf = Material("floral", tints, 0.2, rng.uniform(0, 99, 2), infrared=0.7)
  parts = [pot]
  for _ in range(int(rng.integers(4, 9))):
    out = turn(rng.uniform(0, 6.3)) @ tilt(rng.uniform(-1.3, -0.3))
    long = rng.uniform(0.2, 0.5) * (1 + 2 * width)
    offset = out @ np.array([0, 0, 1.0]) * long / 2
    centre = (offset[0], height + abs(offset[1]), offset[2])
    parts.append(
      ball(OBJECTS, leaf, centre, (0.1 + 0.2 * width, 0.02, long), out)
    )
  return Item(tuple(parts), (width + 0.2, height + 0.4, width + 0.2))


def table_lamp(rng: np.random.Generator) -> Item:
  """Return a lamp with a shade, lit or not."""
  height, width = rng.uniform(0.3, 0.55), rng.uniform(0.18, 0.32)
  stem = rng.uniform(0.05, 0.14)
  return _lamp(rng, height, width, (stem, stem * rng.uniform(0.2, 1.0)))


def floor_lamp(rng: np.random.Generator) -> Item:
  """Return a standing lamp."""
  return _lamp(rng, rng.uniform(1.3, 1.7), rng.uniform(0.25, 0.4), (0.28, 0.03))


def _lamp(
  rng: np.random.Generator,
  height: float,
  width: float,
  foot: tuple[float, float],
) -> Item:
  shade = 0.7 * width
  glow = np.array([1.0, rng.uniform(0.6, 0.85), rng.uniform(0.3, 0.65)])
  lit = rng.random() < 0.6
  cloth = materials.lamp(rng, glow) if lit else materials.fabric(rng)
  base = materials.metal(rng) if rng.random() < 0.5 else _any(rng)
  stem, y = height - shade, height - shade / 2
  parts = (
    cylinder(OBJECTS, base, (0, foot[1] / 2, 0), (foot[0], foot[1], foot[0])),
    cylinder(OBJECTS, base, (0, stem / 2, 0), (0.03, stem, 0.03)),
    cylinder(OBJECTS, cloth, (0, y, 0), (width, shade, width), None,
             -rng.uniform(0, 0.4)),
  )  # fmt: skip
  if not lit:
    return Item(parts, (width, height, width))
  # The light shines through its shade.
  light = (np.array([0, height + 0.02, 0]), glow)
  return Item(tuple(flat(parts)), (width, height, width), (), light)


def monitor(rng: np.random.Generator) -> Item:
  """Return a computer screen with a keyboard (objects, as in NYUv2)."""
  width, case = rng.uniform(0.4, 0.6), materials.metal(rng)
  height = 0.6 * width
  y = 0.1 + height / 2
  keys = Material("tiles", np.array([[0.05] * 3, [0.3] * 3]), 0.02)
  parts = (
    box(OBJECTS, case, (0, 0.01, 0), (0.22, 0.02, 0.16)),
    box(OBJECTS, case, (0, 0.08, -0.03), (0.05, 0.14, 0.03)),
    box(OBJECTS, case, (0, y, 0), (width, height, 0.04)),
    box(OBJECTS, materials.screen(rng), (0, y, 0.019),
        (width - 0.03, height - 0.03, 0.006)),
    box(OBJECTS, keys, (0, 0.01, 0.24), (0.42, 0.02, 0.14)),
  )  # fmt: skip
  return Item(parts, (width, height + 0.1, 0.4))


def laptop(rng: np.random.Generator) -> Item:
  """Return an open laptop."""
  case, lean = materials.metal(rng), tilt(-rng.uniform(0.1, 0.4))
  size = (0.34, 0.22, 0.012)
  front = lean @ np.array([0, 0, 0.008])
  parts = (
    box(OBJECTS, case, (0, 0.01, 0), (0.34, 0.02, 0.24)),
    box(OBJECTS, case, (0, 0.12, -0.15), size, lean),
    box(OBJECTS, materials.screen(rng), (0, 0.12 + front[1], -0.15 + front[2]),
        (0.31, 0.19, 0.006), lean),
  )  # fmt: skip
  return Item(parts, (0.34, 0.24, 0.35))


def television(rng: np.random.Generator, foot: bool) -> Item:
  """Return a flat television, with a foot or for the wall, or an old one."""
  if foot and rng.random() < 0.25:
    return _old_television(rng)
  width = rng.uniform(0.7, 1.4)
  height, case = 0.58 * width, materials.metal(rng)
  low = 0.08 if foot else 0.0
  size = (width, height, 0.06)
  glass = (width - 0.05, height - 0.06, 0.008)
  y = low + height / 2
  parts = [
    box(Kind.TV, case, (0, y, 0), size),
    box(Kind.TV, materials.screen(rng), (0, y, 0.03), glass),
  ]
  if foot:
    parts.append(box(Kind.TV, case, (0, 0.01, 0), (width / 2, 0.02, 0.22)))
    parts.append(box(Kind.TV, case, (0, 0.05, -0.01), (0.12, 0.1, 0.04)))
  return Item(tuple(parts), (width, low + height, 0.24 if foot else 0.06))


def _old_television(rng: np.random.Generator) -> Item:
  width = rng.uniform(0.5, 0.75)
  case, depth = materials.lacquer(rng), 0.7 * width
  size = (width, 0.8 * width, depth)
  glass = (0.82 * width, 0.58 * width, 0.01)
  parts = (
    box(Kind.TV, case, (0, 0.4 * width, 0), size),
    box(Kind.TV, materials.screen(rng), (0, 0.44 * width, depth / 2), glass),
  )
  return Item(parts, size)


def bin_(rng: np.random.Generator) -> Item:
  """Return a waste bin or a basket."""
  width, height = rng.uniform(0.22, 0.4), rng.uniform(0.25, 0.5)
  size = (width, height, width)
  part = cylinder(OBJECTS, _any(rng), (0, height / 2, 0), size, None, 0.15)
  return Item((part,), size)


def bag(rng: np.random.Generator) -> Item:
  """Return a bag or a heap of clothes."""
  size = (rng.uniform(0.3, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.35))
  cloth = materials.fabric(rng)
  parts: list[Part] = [ball(OBJECTS, cloth, (0, 0.45 * size[1], 0), size)]
  if rng.random() < 0.5:
    flap = (0.9 * size[0], 0.5 * size[1], 0.8 * size[2])
    parts.append(box(OBJECTS, cloth, (0, 0.25 * size[1], 0), flap))
  return Item(tuple(parts), size)


def big_carton(rng: np.random.Generator) -> Item:
  """Return a large box for the floor, perhaps with a smaller one on it."""
  size = (rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.5))
  parts = [box(OBJECTS, _any(rng), (0, size[1] / 2, 0), size)]
  if rng.random() < 0.4:
    lid = (0.7 * size[0], 0.2, 0.7 * size[2])
    centre = (0, size[1] + 0.1, 0)
    parts.append(box(OBJECTS, _any(rng), centre, lid, turn(rng.uniform(0, 1))))
  return Item(tuple(parts), size)


def _any(rng: np.random.Generator) -> Material:
  makers = (
    materials.lacquer,
    materials.print_,
    materials.fabric,
    materials.wood,
    materials.metal,
  )
  return makers[int(rng.choice(5, p=[0.35, 0.25, 0.15, 0.15, 0.1]))](rng)


Maker = Callable[[np.random.Generator], Item]

ON_TOP: tuple[tuple[Maker, float], ...] = (
  (book_pile, 0.2),
  (book_row, 0.1),
  (carton, 0.16),
  (globe, 0.08),
  (vase, 0.22),
  (plant, 0.08),
  (table_lamp, 0.1),
  (laptop, 0.06),
)
"""What stands on tables and cabinets, with how often."""

ON_FLOOR: tuple[tuple[Maker, float], ...] = (
  (bin_, 0.2),
  (bag, 0.2),
  (big_carton, 0.25),
  (globe, 0.1),
  (plant, 0.1),
  (book_pile, 0.05),
  (floor_lamp, 0.1),
)
"""What stands on the floor, with how often."""
