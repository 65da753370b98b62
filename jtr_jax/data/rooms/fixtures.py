"""What hangs on walls and ceilings.

Items stand off the wall z = 0, around the middle of their width; y = 0 is their
lower edge.
"""

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
  roll,
  tilt,
)


def window(
  rng: np.random.Generator, size: tuple[float, float], brightness: float
) -> Item:
  """Return a window with frame, perhaps curtains or blinds.

  Args:
    rng: source of randomness.
    size: width and height of the frame in metres.
    brightness: of the view, 0 at night.

  Returns:
    The item; its first part is the pane.
  """
  width, height = size
  frame = materials.lacquer(rng)
  pane = materials.outdoors(rng, brightness)
  y = height / 2
  parts = [box(Kind.WINDOW, pane, (0, y, 0.01), (width, height, 0.012))]
  parts += _border(Kind.WINDOW, frame, width, height, rng.uniform(0.04, 0.08))
  for x in np.linspace(-width / 2, width / 2, int(rng.integers(2, 5)))[1:-1]:
    bar = (0.04, height, 0.045)
    parts.append(box(Kind.WINDOW, frame, (float(x), y, 0.025), bar))
  if rng.random() < 0.4:
    middle = (0, height * rng.uniform(0.4, 0.7), 0.025)
    parts.append(box(Kind.WINDOW, frame, middle, (width, 0.04, 0.045)))
  sill = (width + 0.16, 0.03, 0.14)
  parts.append(box(Kind.WINDOW, frame, (0, -0.03, 0.07), sill))
  parts = flat(parts)
  dress = rng.random()
  if dress < 0.45:
    parts += _curtains(rng, width, height)
  elif dress < 0.65:
    parts += _blinds(rng, width, height)
  return Item(tuple(parts), (width + 0.1, height, 0.15))


def _border(
  label: Kind, material: Material, width: float, height: float, thick: float
) -> list[Part]:
  x, y = width / 2, height / 2
  return [
    box(label, material, (-x, y, 0.03), (thick, height + thick, 0.06)),
    box(label, material, (x, y, 0.03), (thick, height + thick, 0.06)),
    box(label, material, (0, 0, 0.03), (width - thick, thick, 0.06)),
    box(label, material, (0, height, 0.03), (width - thick, thick, 0.06)),
  ]


def _curtains(
  rng: np.random.Generator, width: float, height: float
) -> list[Part]:
  cloth, rod = materials.fabric(rng), materials.metal(rng)
  long = height + rng.uniform(0.1, 0.7)
  drawn = width * rng.uniform(0.12, 0.45)
  count = max(3, round(drawn / 0.1))
  fold = drawn / count
  top = height + 0.1
  parts = []
  for side in (-1, 1):
    for i in range(count):
      x = side * (width / 2 + 0.06 - (i + 0.5) * fold)
      size = (fold * 1.25, long, 0.1)
      centre = (x, top - long / 2, 0.1)
      parts.append(cylinder(Kind.WINDOW, cloth, centre, size))
  bar = roll(np.pi / 2)
  size = (0.025, width + 0.4, 0.025)
  parts.append(cylinder(Kind.WINDOW, rod, (0, top, 0.1), size, bar))
  return parts


def _blinds(
  rng: np.random.Generator, width: float, height: float
) -> list[Part]:
  down = height * rng.uniform(0.2, 0.95)
  base = materials.colour(rng, (0, 0.4), (0.4, 0.9))
  slats = Material(
    "stripes",
    np.stack([base, 0.45 * base]),
    scale=0.05,
    angle=np.pi / 2,
    emission=0.0,
    infrared=0.8,
  )
  centre = (0, height - down / 2, 0.05)
  return flat([box(Kind.WINDOW, slats, centre, (width - 0.03, down, 0.02))])


def picture(rng: np.random.Generator) -> Item:
  """Return a framed picture or a poster."""
  width, height = rng.uniform(0.25, 1.1), rng.uniform(0.25, 0.9)
  art = materials.print_(rng)
  if rng.random() < 0.25:
    sheet = box(
      Kind.PICTURE, art, (0, height / 2, 0.004), (width, height, 0.006)
    )
    return Item(tuple(flat([sheet])), (width, height, 0.01))
  frame = materials.wood(rng)
  parts = _border(Kind.PICTURE, frame, width, height, rng.uniform(0.02, 0.07))
  canvas = (width, height, 0.02)
  parts.append(box(Kind.PICTURE, art, (0, height / 2, 0.012), canvas))
  if rng.random() < 0.3:
    mat = materials.lacquer(rng)
    parts[-1] = box(Kind.PICTURE, mat, (0, height / 2, 0.012), canvas)
    inner = (0.65 * width, 0.65 * height, 0.02)
    parts.append(box(Kind.PICTURE, art, (0, height / 2, 0.016), inner))
  return Item(tuple(flat(parts)), (width + 0.06, height + 0.06, 0.06))


def whiteboard(rng: np.random.Generator) -> Item:
  """Return a board with writing, or a mirror-like sheet (objects)."""
  width, height = rng.uniform(0.8, 2.0), rng.uniform(0.6, 1.1)
  white = Material(
    "floral",
    np.stack([np.full(3, 0.8), np.full(3, 0.7), materials.colour(rng)]),
    scale=0.5,
    phase=rng.uniform(0, 99, 2),
    specular=0.4,
    gloss=80,
  )
  parts = _border(Kind.OBJECTS, materials.metal(rng), width, height, 0.03)
  sheet = (width, height, 0.02)
  parts.append(box(Kind.OBJECTS, white, (0, height / 2, 0.012), sheet))
  return Item(tuple(flat(parts)), (width, height, 0.06))


def clock(rng: np.random.Generator) -> Item:
  """Return a round wall clock."""
  side = rng.uniform(0.2, 0.4)
  face = tilt(np.pi / 2)
  rim, dial = materials.lacquer(rng), materials.print_(rng)
  size, inner = (side, 0.05, side), (0.85 * side, 0.06, 0.85 * side)
  parts = (
    cylinder(Kind.OBJECTS, rim, (0, side / 2, 0.025), size, face),
    cylinder(Kind.OBJECTS, dial, (0, side / 2, 0.026), inner, face),
  )
  return Item(parts, (side, side, 0.06))


def door(rng: np.random.Generator, height: float) -> Item:
  """Return a door, which NYUv2's 13 classes count as wall."""
  width, wood = rng.uniform(0.75, 0.95), materials.wood(rng)
  frame = wood if rng.random() < 0.5 else materials.lacquer(rng)
  y = height / 2
  parts = _border(Kind.WALL, frame, width, height, 0.1)
  leaf = (width, height, 0.03)
  parts.append(box(Kind.WALL, wood, (0, y, 0.016), leaf))
  for low in (0.12, 0.55):
    inset = (0.6 * width, 0.36 * height, 0.02)
    centre = (0, (low + 0.18) * height, 0.03)
    parts.append(box(Kind.WALL, wood, centre, inset))
  knob = (0.39 * width, 0.48 * height, 0.07)
  metal = materials.metal(rng)
  parts.append(ball(Kind.WALL, metal, knob, (0.07, 0.07, 0.07)))
  return Item(tuple(flat(parts)), (width + 0.1, height, 0.08))


def ceiling_lamp(rng: np.random.Generator, glow: np.ndarray, lit: bool) -> Item:
  """Return a lamp that hangs from y = 0 downwards."""
  drop, side = rng.uniform(0.05, 0.6), rng.uniform(0.25, 0.5)
  shade = materials.lamp(rng, glow) if lit else materials.lacquer(rng)
  cord = materials.metal(rng)
  thick = rng.uniform(0.1, 0.25)
  size = (side, thick, side)
  maker = ball if rng.random() < 0.4 else cylinder
  parts = [maker(Kind.OBJECTS, shade, (0, -drop - thick / 2, 0), size)]
  parts.append(
    cylinder(Kind.OBJECTS, cord, (0, -drop / 2, 0), (0.02, drop, 0.02))
  )
  return Item(tuple(flat(parts)), (side, drop + thick, side))


def radiator(rng: np.random.Generator) -> Item:
  """Return a ribbed radiator (furniture-sized object)."""
  width, height = rng.uniform(0.6, 1.3), rng.uniform(0.4, 0.65)
  base = materials.colour(rng, (0, 0.2), (0.4, 0.9))
  ribs = Material("stripes", np.stack([base, 0.5 * base]), scale=0.06,
                  specular=0.1)  # fmt: skip
  panel = (width, height, 0.08)
  part = box(Kind.OBJECTS, ribs, (0, height / 2 + 0.1, 0.07), panel)
  return Item((part,), (width, height + 0.1, 0.12))
