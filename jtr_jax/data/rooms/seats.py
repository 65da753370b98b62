"""Sofas and chairs, of random shape."""

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
  roll,
  tilt,
)


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
