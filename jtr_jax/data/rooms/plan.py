"""A room that is being furnished: what stands where, and where is room left."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jtr_jax.data.rooms.props import ON_TOP, Maker
from jtr_jax.data.rooms.scene import Item, Kind, Part, Top, moved, turn

_TRIES = 10
_UNLABELLED = 0.07


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
  """An item in the room: turned about y by `angle`, then at `position`."""

  item: Item
  position: np.ndarray
  angle: float

  def at(self, x: float, y: float, z: float) -> np.ndarray:
    """Return the world position of a point of the item's frame."""
    return turn(self.angle) @ np.array([x, y, z]) + self.position


class Plan:
  """Collects parts and keeps them from running into each other."""

  def __init__(self, rng: np.random.Generator, room: np.ndarray):
    """Start an empty room f64[3]: width, height, length."""
    self.rng = rng
    self.room = room
    self.parts: list[Part] = []
    self.glows: list[tuple[np.ndarray, np.ndarray]] = []
    self._floor: list[np.ndarray] = []
    self._walls: list[tuple[int, np.ndarray]] = []

  def wall_length(self, wall: int) -> float:
    """Return the length of wall 0 (z = 0), 1 (x = width), 2 or 3."""
    return float(self.room[0] if wall % 2 == 0 else self.room[2])

  def on_wall(self, wall: int, s: float, y: float, out: float) -> np.ndarray:
    """Return the point `s` from the middle of a wall, `out` away from it."""
    width, _, length = self.room
    middle = ((width / 2, 0), (width, length / 2), (width / 2, length),
              (0, length / 2))[wall]  # fmt: skip
    offset = turn(self.facing(wall)) @ np.array([s, y, out])
    return np.array([middle[0], 0, middle[1]]) + offset

  @staticmethod
  def facing(wall: int) -> float:
    """Return the angle of an item that stands with its back to a wall."""
    return (0.0, -np.pi / 2, np.pi, np.pi / 2)[wall]

  def add(self, item: Item, position: np.ndarray, angle: float) -> Placement:
    """Put an item somewhere without asking whether it is free."""
    parts = moved(item.parts, position, angle)
    if self.rng.random() < _UNLABELLED:
      parts = tuple(dataclasses.replace(p, label=Kind.NONE) for p in parts)
    self.parts += parts
    placement = Placement(item, position, angle)
    if item.glow is not None:
      where, colour = item.glow
      self.glows.append((placement.at(*where), colour))
    return placement

  def stand(
    self, item: Item, position: np.ndarray, angle: float, margin: float = 0.03
  ) -> Placement | None:
    """Put an item on the floor unless something is in its way."""
    footprint = _footprint(item, position, angle, margin)
    if not self._inside(footprint) or not self.free(footprint):
      return None
    self._floor.append(footprint)
    return self.add(item, position, angle)

  def against(
    self, item: Item, walls: Sequence[int] = (0, 1, 2, 3)
  ) -> Placement | None:
    """Put an item with its back to one of the walls, if there is space."""
    width, height, depth = item.size
    for _ in range(_TRIES):
      wall = int(self.rng.choice(walls))
      reach = self.wall_length(wall) / 2 - width / 2 - 0.02
      if reach < 0:
        continue
      s = self.rng.uniform(-reach, reach)
      if self.rng.random() < 0.25:
        s = reach * self.rng.choice([-1, 1])
      span = np.array([s - width / 2, 0, s + width / 2, height])
      if not self._wall_free(wall, span):
        continue
      out = depth / 2 + self.rng.uniform(0.01, 0.06)
      angle = self.facing(wall)
      placed = self.stand(item, self.on_wall(wall, s, 0, out), angle, 0.0)
      if placed:
        self._walls.append((wall, span))
        return placed
    return None

  def somewhere(self, item: Item, twist: float = 3.2) -> Placement | None:
    """Put an item on a free place of the floor, turned at random."""
    width, _, length = self.room
    for _ in range(_TRIES):
      x = self.rng.uniform(0.3, width - 0.3)
      z = self.rng.uniform(0.3, length - 0.3)
      angle = self.rng.uniform(-twist, twist)
      placed = self.stand(item, np.array([x, 0, z]), angle)
      if placed:
        return placed
    return None

  def hang(
    self,
    item: Item,
    low: tuple[float, float],
    walls: Sequence[int] = (0, 1, 2, 3),
  ) -> Placement | None:
    """Hang an item on a wall, its lower edge between two heights."""
    width, height, _ = item.size
    for _ in range(_TRIES):
      wall = int(self.rng.choice(walls))
      reach = self.wall_length(wall) / 2 - width / 2 - 0.1
      y = self.rng.uniform(*low)
      if reach < 0 or y + height > self.room[1] - 0.05:
        continue
      s = self.rng.uniform(-reach, reach)
      span = np.array([s - width / 2, y, s + width / 2, y + height])
      if self._wall_free(wall, span):
        self._walls.append((wall, span))
        return self.add(item, self.on_wall(wall, s, y, 0), self.facing(wall))
    return None

  def fill(self, placed: Placement | None, makers: Sequence[tuple[Maker, float]]
           = ON_TOP, density: float = 1.0) -> None:  # fmt: skip
    """Scatter small things over the tops of an item that was placed."""
    if placed is None:
      return
    for top in placed.item.tops:
      area = (top.x[1] - top.x[0]) * (0.3 + top.z[1] - top.z[0])
      count = min(6, self.rng.poisson(density * 4 * area))
      taken: list[tuple[float, float, float]] = []
      for _ in range(count):
        self._put(placed, top, taken, pick(self.rng, makers))

  def _put(
    self,
    placed: Placement,
    top: Top,
    taken: list[tuple[float, float, float]],
    item: Item,
  ) -> None:
    x, z = self.rng.uniform(*top.x), self.rng.uniform(*top.z)
    radius = max(item.size[0], item.size[2]) / 2
    if item.size[1] > top.clearance or any(
      np.hypot(x - a, z - b) < radius + r for a, b, r in taken
    ):
      return
    taken.append((x, z, radius))
    twist = self.rng.normal(0, 0.4)
    self.add(item, placed.at(x, top.y, z), placed.angle + twist)

  def reserve(self, footprint: np.ndarray) -> None:
    """Keep a rectangle (x0, z0, x1, z1) of the floor free of items."""
    self._floor.append(footprint)

  def reserve_wall(self, wall: int, start: float, end: float) -> None:
    """Keep a stretch of a wall free of items, over its whole height."""
    self._walls.append((wall, np.array([start, 0, end, 99])))

  def free(self, footprint: np.ndarray) -> bool:
    """Return whether nothing stands on a rectangle (x0, z0, x1, z1)."""
    return not any(_overlap(footprint, other) for other in self._floor)

  def _inside(self, footprint: np.ndarray) -> bool:
    x0, z0, x1, z1 = footprint
    width, _, length = self.room
    return bool(
      min(x0, z0) > -0.05 and x1 < width + 0.05 and z1 < length + 0.05
    )

  def _wall_free(self, wall: int, span: np.ndarray) -> bool:
    return not any(
      wall == other and _overlap(span, taken) for other, taken in self._walls
    )


def pick(
  rng: np.random.Generator, makers: Sequence[tuple[Maker, float]]
) -> Item:
  """Return an item of one of the makers, each with its probability."""
  weights = np.array([weight for _, weight in makers])
  index = int(rng.choice(len(makers), p=weights / weights.sum()))
  return makers[index][0](rng)


def _footprint(
  item: Item, position: np.ndarray, angle: float, margin: float
) -> np.ndarray:
  c, s = abs(np.cos(angle)), abs(np.sin(angle))
  width, _, depth = item.size
  x = (c * width + s * depth) / 2 + margin
  z = (s * width + c * depth) / 2 + margin
  return position[[0, 2, 0, 2]] + np.array([-x, -z, x, z])


def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
  return bool(np.all(a[:2] < b[2:]) and np.all(b[:2] < a[2:]))
