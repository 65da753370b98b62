"""Beds, sofas, chairs and tables, of random shape."""

import numpy as np

from jtr_jax.data.rooms import materials
from jtr_jax.data.rooms.scene import (
  Item,
  Kind,
  Material,
  Part,
  Top,
  ball,
  box,
  cylinder,
  flat,
  roll,
  tilt,
)


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


def sofa(rng: np.random.Generator) -> Item:
  """Return a sofa for one to three, with arms and perhaps cushions."""
  seats = int(rng.choice([1, 2, 2, 3, 3]))
  arm = rng.uniform(0.08, 0.25)
  inner = seats * rng.uniform(0.55, 0.75)
  width, depth = inner + 2 * arm, rng.uniform(0.75, 1.0)
  seat, back = rng.uniform(0.36, 0.48), rng.uniform(0.7, 1.0)
  cloth = materials.fabric(rng)
  cushion = cloth if rng.random() < 0.7 else materials.fabric(rng)
  thick = rng.uniform(0.15, 0.25)
  low = rng.uniform(0.02, 0.14)
  parts = [
    box(
      Kind.SOFA,
      cloth,
      (0, (low + seat - 0.12) / 2, 0),
      (width - 0.02, seat - 0.12 - low, depth - 0.02),
    ),
    box(
      Kind.SOFA,
      cloth,
      (0, (low + back) / 2, thick / 2 - depth / 2),
      (width, back - low, thick),
    ),
    *_arms(rng, cloth, width, depth, arm, seat),
  ]
  step = inner / seats
  lean = tilt(-rng.uniform(0.05, 0.3))
  for i in range(seats):
    x = (i - (seats - 1) / 2) * step
    centre = (x, seat - 0.06, thick / 2)
    size = (step - 0.015, 0.14, depth - thick)
    parts.append(box(Kind.SOFA, cushion, centre, size))
    upright = (step - 0.03, back - seat + 0.02, 0.16)
    centre = (x, (seat + back) / 2 + 0.02, thick - depth / 2 + 0.07)
    parts.append(box(Kind.SOFA, cushion, centre, upright, lean))
  parts += _cushions(rng, inner, seat, thick - depth / 2 + 0.25)
  return Item(tuple(parts), (width, back, depth))


def _arms(
  rng: np.random.Generator,
  cloth: Material,
  width: float,
  depth: float,
  arm: float,
  seat: float,
) -> list[Part]:
  if rng.random() < 0.12:
    return []
  height = seat + rng.uniform(0.08, 0.28)
  padded = rng.random() < 0.4
  parts = []
  for x in (arm / 2 - width / 2, width / 2 - arm / 2):
    size = (arm, height, depth)
    parts.append(box(Kind.SOFA, cloth, (x, height / 2, 0), size))
    if padded:
      size = (arm * 1.25, depth, arm * 0.9)
      along = tilt(np.pi / 2)
      parts.append(cylinder(Kind.SOFA, cloth, (x, height, 0), size, along))
  return parts


def _cushions(
  rng: np.random.Generator, inner: float, seat: float, z: float
) -> list[Part]:
  parts = []
  for _ in range(int(rng.integers(0, 4))):
    side = rng.uniform(0.32, 0.45)
    x = rng.uniform(-0.5, 0.5) * (inner - side)
    rotation = tilt(-0.4) @ roll(rng.uniform(-0.6, 0.6))
    centre = (x, seat + 0.42 * side, z)
    cloth = materials.fabric(rng)
    size = (side, side, 0.15)
    maker = ball if rng.random() < 0.5 else box
    parts.append(maker(Kind.OBJECTS, cloth, centre, size, rotation))
  return parts


def chair(rng: np.random.Generator) -> Item:
  """Return a chair with four legs, an office chair or a stool."""
  style = rng.choice(["legs", "office", "stool"], p=[0.6, 0.25, 0.15])
  frame = materials.wood(rng) if rng.random() < 0.6 else materials.metal(rng)
  pad = materials.fabric(rng) if rng.random() < 0.6 else frame
  if style == "stool":
    return _stool(rng, frame, pad)
  width, depth = rng.uniform(0.4, 0.52), rng.uniform(0.4, 0.5)
  seat, back = rng.uniform(0.42, 0.5), rng.uniform(0.8, 1.1)
  centre = (0, seat - 0.03, 0)
  parts = [
    box(Kind.CHAIR, pad, centre, (width, rng.uniform(0.03, 0.09), depth))
  ]
  if style == "office":
    parts += _office_base(frame, seat)
  else:
    parts += legs(Kind.CHAIR, frame, (width, seat - 0.03, depth), rng)
  parts += _backrest(rng, frame, pad, width, depth, seat, back)
  if rng.random() < 0.3:
    for x in (-width / 2, width / 2):
      rest = (x, seat + 0.2, 0.02)
      parts.append(box(Kind.CHAIR, frame, rest, (0.05, 0.03, depth * 0.8)))
      post = (x, seat + 0.1, 0.15)
      parts.append(box(Kind.CHAIR, frame, post, (0.03, 0.2, 0.03)))
  return Item(tuple(parts), (width, back, depth))


def _stool(rng: np.random.Generator, frame: Material, pad: Material) -> Item:
  height, width = rng.uniform(0.42, 0.75), rng.uniform(0.32, 0.42)
  seat = cylinder(Kind.CHAIR, pad, (0, height - 0.03, 0), (width, 0.06, width))
  under = legs(
    Kind.CHAIR, frame, (width * 0.8, height - 0.05, width * 0.8), rng
  )
  return Item((seat, *under), (width, height, width))


def _office_base(frame: Material, seat: float) -> list[Part]:
  stem = (0.06, seat - 0.12, 0.06)
  parts = [cylinder(Kind.CHAIR, frame, (0, seat / 2, 0), stem)]
  for angle in (0.3, 0.3 + np.pi / 2):
    c, s = np.cos(angle), np.sin(angle)
    spoke = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    parts.append(
      box(Kind.CHAIR, frame, (0, 0.07, 0), (0.58, 0.05, 0.05), spoke)
    )
  return parts


def _backrest(
  rng: np.random.Generator,
  frame: Material,
  pad: Material,
  width: float,
  depth: float,
  seat: float,
  back: float,
) -> list[Part]:
  z = 0.02 - depth / 2
  lean = tilt(-rng.uniform(0.0, 0.2))
  if rng.random() < 0.5:
    low = seat + rng.uniform(0.03, 0.18)
    size = (width * rng.uniform(0.85, 1), back - low, 0.05)
    return [box(Kind.CHAIR, pad, (0, (low + back) / 2, z), size, lean)]
  parts = []
  for x in (0.02 - width / 2, width / 2 - 0.02):
    post = (0.035, back - seat + 0.04, 0.035)
    parts.append(box(Kind.CHAIR, frame, (x, (seat + back) / 2, z), post))
  for y in np.linspace(seat + 0.18, back - 0.05, int(rng.integers(2, 5))):
    slat = (width - 0.04, 0.055, 0.025)
    parts.append(box(Kind.CHAIR, frame, (0, float(y), z), slat))
  return parts


def legs(
  label: Kind,
  material: Material,
  size: tuple[float, float, float],
  rng: np.random.Generator,
) -> list[Part]:
  """Return four legs at the corners under a plate of the given size.

  Args:
    label: class of the legs.
    material: their look.
    size: width, height and depth that the legs span.
    rng: chooses round or square, thick or thin.

  Returns:
    Four parts.
  """
  width, height, depth = size
  thick = rng.uniform(0.025, 0.05) * (1.5 if width > 1 else 1)
  maker = cylinder if rng.random() < 0.4 else box
  return [
    maker(
      label,
      material,
      (x * (width / 2 - thick), height / 2, z * (depth / 2 - thick)),
      (thick, height, thick),
    )
    for x in (-1, 1)
    for z in (-1, 1)
  ]


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
