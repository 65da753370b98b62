"""Draw a random room: shell, windows, furniture, lights, camera."""

import numpy as np

from jtr_jax.data.rooms import camera, fixtures, materials, themes
from jtr_jax.data.rooms.plan import Placement, Plan
from jtr_jax.data.rooms.scene import (
  Kind,
  Light,
  Material,
  Part,
  Scene,
  box,
  flat,
  turn,
)


def make_scene(rng: np.random.Generator) -> Scene:
  """Return a furnished room with lights and a camera.

  Args:
    rng: the only source of randomness.

  Returns:
    The scene; it does not depend on the size of the image.
  """
  room = np.array(
    [rng.uniform(2.9, 5.6), rng.uniform(2.3, 3.0), rng.uniform(3.1, 6.4)]
  )
  plan = Plan(rng, room)
  shell = _shell(rng)
  _corner(plan, shell[0][1])
  day = float(rng.random() < 0.7)
  sky = day * rng.uniform(0.8, 2.5) + (1 - day) * rng.uniform(0.005, 0.03)
  lights = _windows(plan, sky)
  if rng.random() < 0.6:
    plan.hang(fixtures.door(rng, 2.05), (0.0, 0.001))
  if rng.random() < 0.45:
    themes.rug(plan)
  weights = np.array([weight for _, weight in themes.THEMES])
  theme = int(rng.choice(len(weights), p=weights / weights.sum()))
  themes.THEMES[theme][0](plan)
  themes.extras(plan)
  lights += _lamps(plan, lit=rng.random() < (0.45 if day else 0.95))
  parts = tuple(plan.parts + _skirting(plan))
  mood = materials.colour(rng, (0, 0.25), (0.8, 1.0))
  ambient = mood * (rng.uniform(0.06, 0.2) + 0.07 * sky)
  viewer = camera.choose(rng, room, shell, parts)
  return Scene(room, shell, parts, tuple(lights), ambient, viewer)


def _shell(rng: np.random.Generator) -> tuple[tuple[Kind, Material], ...]:
  paint = materials.wall(rng)
  accent = materials.wall(rng) if rng.random() < 0.35 else paint
  sides = [(Kind.WALL, paint)] * 4
  sides[int(rng.integers(4))] = (Kind.WALL, accent)
  floor = (Kind.FLOOR, materials.floor(rng))
  top = (Kind.CEILING, materials.ceiling(rng))
  return (sides[0], sides[1], floor, top, sides[2], sides[3])


def _corner(plan: Plan, paint: Material) -> None:
  """Make the room L-shaped, or give it a pillar or a chimney breast."""
  rng = plan.rng
  width, height, length = plan.room
  if rng.random() < 0.6:
    return
  if rng.random() < 0.6:
    size = (rng.uniform(0.2, 0.4) * width, rng.uniform(0.2, 0.4) * length)
  else:
    size = (rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6))
  left, front = rng.random(2) < 0.5
  x = size[0] / 2 if left else width - size[0] / 2
  z = size[1] / 2 if front else length - size[1] / 2
  solid = box(Kind.WALL, paint, (x, height / 2, z), (size[0], height, size[1]))
  plan.parts.append(solid)
  half = np.array(size) / 2 + 0.02
  centre = np.array([x, z])
  plan.reserve(np.concatenate([centre - half, centre + half]))
  for wall in (0 if front else 2, 3 if left else 1):
    axis = wall % 2
    along = turn(plan.facing(wall))[:, 0]
    middle = (x - width / 2) * along[0] + (z - length / 2) * along[2]
    plan.reserve_wall(wall, middle - half[axis], middle + half[axis])


def _windows(plan: Plan, sky: float) -> list[Light]:
  rng = plan.rng
  lights: list[Light] = []
  tint = np.array([0.85, 0.95, 1.1]) * rng.uniform(0.85, 1.15, 3)
  sill = (rng.uniform(0.5, 1.0),) * 2
  for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.12, 0.38, 0.35, 0.15]))):
    height = rng.uniform(0.8, min(1.6, plan.room[1] - sill[0] - 0.2))
    size = (rng.uniform(0.7, 2.2), height)
    hung = plan.hang(fixtures.window(rng, size, sky), sill)
    if hung and sky > 0.1:
      lights.append(_daylight(hung, sky * tint))
  if lights and rng.random() < 0.4:
    lights.append(_sun(rng, lights[0], sky))
  return lights


def _daylight(placed: Placement, colour: np.ndarray) -> Light:
  pane = placed.item.parts[0]
  width, height = pane.half[0], pane.half[1]
  facing = turn(placed.angle)
  return Light(
    position=placed.at(0, height, 0.2),
    u=facing[:, 0] * width * 0.8,
    v=np.array([0, height * 0.8, 0]),
    colour=colour * 4 * width * height,
    facing=facing[:, 2],
  )


def _sun(rng: np.random.Generator, window: Light, sky: float) -> Light:
  """Return A beam through the window; it comes from 30 m away."""
  assert window.facing is not None
  side, up = rng.uniform(-0.9, 0.9), rng.uniform(0.35, 1.1)
  across = window.u / np.linalg.norm(window.u)
  out = side * across + (0, up, 0) - window.facing
  out /= np.linalg.norm(out)
  centre = window.position - 0.2 * window.facing
  warm = np.array([1.0, rng.uniform(0.75, 0.95), rng.uniform(0.5, 0.85)])
  return Light(
    position=centre + 30 * out,
    u=0.15 * across,
    v=np.array([0, 0.15, 0]),
    colour=sky * rng.uniform(1.5, 4.0) * warm,
    opening=np.stack([centre, window.u / 0.8, window.v / 0.8, window.facing]),
  )


def _lamps(plan: Plan, lit: bool) -> list[Light]:
  rng = plan.rng
  width, height, length = plan.room
  glow = np.array([1.0, rng.uniform(0.7, 1.0), rng.uniform(0.45, 1.0)])
  lamp = fixtures.ceiling_lamp(rng, glow, lit)
  where = np.array([rng.uniform(0.35, 0.65) * width, height,
                    rng.uniform(0.35, 0.65) * length])  # fmt: skip
  lights = []
  if lit or rng.random() < 0.7:
    plan.add(lamp, where, 0.0)
  if lit:
    below = where - (0, lamp.size[1] + 0.03, 0)
    power = rng.uniform(1.5, 5.0)
    lights.append(_bulb(below, power * glow, lamp.size[0] / 2))
  for place, colour in plan.glows[:1]:
    lights.append(_bulb(place, rng.uniform(0.5, 1.5) * colour, 0.1))
  return lights


def _bulb(place: np.ndarray, colour: np.ndarray, radius: float) -> Light:
  u, v = np.array([radius, 0, 0]), np.array([0, 0, radius])
  return Light(place, u, v, colour)


def _skirting(plan: Plan) -> list[Part]:
  rng = plan.rng
  if rng.random() < 0.4:
    return []
  width, _, length = plan.room
  paint, height = materials.lacquer(rng), rng.uniform(0.06, 0.14)
  y = height / 2
  return flat(
    [
      box(Kind.WALL, paint, (width / 2, y, 0), (width, height, 0.03)),
      box(Kind.WALL, paint, (width / 2, y, length), (width, height, 0.03)),
      box(Kind.WALL, paint, (0, y, length / 2), (0.03, height, length)),
      box(Kind.WALL, paint, (width, y, length / 2), (0.03, height, length)),
    ]
  )
