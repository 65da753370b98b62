"""How a kind of room is furnished."""

from collections.abc import Callable

import numpy as np

from jtr_jax.data.rooms import (
  fixtures,
  furniture,
  materials,
  props,
  seats,
  storage,
)
from jtr_jax.data.rooms.plan import Placement, Plan, pick
from jtr_jax.data.rooms.scene import Item, Kind, box, flat


def bedroom(plan: Plan) -> None:
  """Furnish a bedroom: beds, night stands, wardrobe, chest, perhaps a desk."""
  rng = plan.rng
  for _ in range(1 + (rng.random() < 0.3)):
    placed = plan.against(furniture.bed(rng))
    plan.fill(placed, density=0.3)
    if placed:
      _night_stands(plan, placed)
  if rng.random() < 0.7:
    plan.fill(plan.against(storage.wardrobe(rng)))
  _sideboard(plan, 0.6)
  if rng.random() < 0.4:
    _desk(plan)
  if rng.random() < 0.3:
    plan.against(seats.sofa(rng))


def _night_stands(plan: Plan, bed: Placement) -> None:
  for side in (-1, 1):
    stand = storage.night_stand(plan.rng)
    x = side * (bed.item.size[0] + stand.size[0] + 0.08) / 2
    z = (stand.size[2] - bed.item.size[2]) / 2
    if plan.rng.random() < 0.7:
      plan.fill(plan.stand(stand, bed.at(x, 0, z), bed.angle), density=2.5)


def living_room(plan: Plan) -> None:
  """Furnish a living room: sofas around a low table, television, shelves."""
  rng = plan.rng
  for _ in range(int(rng.integers(1, 4))):
    placed = plan.against(seats.sofa(rng))
    if placed and rng.random() < 0.6:
      low = furniture.coffee_table(rng)
      z = (placed.item.size[2] + low.size[2]) / 2 + rng.uniform(0.3, 0.5)
      plan.fill(plan.stand(low, placed.at(0, 0, z), placed.angle), density=1.5)
  _sideboard(plan, 0.85)
  for _ in range(int(rng.integers(0, 3))):
    plan.fill(plan.against(storage.bookshelf(rng)))
  if rng.random() < 0.4:
    _dining(plan)


def office(plan: Plan) -> None:
  """Furnish an office: desks with chairs and computers, shelves, a board."""
  rng = plan.rng
  for _ in range(int(rng.integers(1, 4))):
    _desk(plan)
  for _ in range(int(rng.integers(1, 4))):
    plan.fill(plan.against(storage.bookshelf(rng)))
  if rng.random() < 0.5:
    plan.hang(fixtures.whiteboard(rng), (0.9, 1.1))
  _sideboard(plan, 0.3)


def dining_room(plan: Plan) -> None:
  """Furnish a dining room: one or two tables with chairs, a sideboard."""
  rng = plan.rng
  for _ in range(int(rng.integers(1, 3))):
    _dining(plan)
  _sideboard(plan, 0.3)
  if rng.random() < 0.4:
    plan.against(seats.sofa(rng))


def kitchen(plan: Plan) -> None:
  """Furnish a kitchen: a counter with cupboards, a refrigerator, a table."""
  rng = plan.rng
  wall = int(rng.integers(4))
  for k in (wall, (wall + 1) % 4)[: int(rng.integers(1, 3))]:
    length = min(rng.uniform(1.5, 3.2), plan.wall_length(k) - 0.8)
    placed = plan.against(storage.counter(rng, length), (k,))
    plan.fill(placed, density=1.3)
    if rng.random() < 0.7:
      plan.hang(storage.wall_units(rng, 0.8 * length), (1.4, 1.5), (k,))
  plan.against(storage.wardrobe(rng))
  _dining(plan)


def library(plan: Plan) -> None:
  """Furnish a library: many shelves, a reading table, armchairs."""
  rng = plan.rng
  for _ in range(int(rng.integers(2, 6))):
    plan.fill(plan.against(storage.bookshelf(rng)))
  _dining(plan)
  if rng.random() < 0.6:
    plan.against(seats.sofa(rng))


THEMES: tuple[tuple[Callable[[Plan], None], float], ...] = (
  (bedroom, 0.28),
  (living_room, 0.27),
  (office, 0.15),
  (dining_room, 0.1),
  (kitchen, 0.1),
  (library, 0.1),
)


_MIXED: tuple[tuple[props.Maker, float], ...] = (
  (storage.bookshelf, 0.25),
  (storage.cabinet, 0.2),
  (storage.wardrobe, 0.1),
  (seats.sofa, 0.2),
  (furniture.desk, 0.1),
  (furniture.bed, 0.1),
  (furniture.coffee_table, 0.05),
)


def extras(plan: Plan) -> None:
  """Add what any room may have: pictures, television, chairs, clutter."""
  rng = plan.rng
  for _ in range(rng.poisson(2.2)):
    plan.fill(plan.against(pick(rng, _MIXED)), density=1.2)
  if rng.random() < 0.35:
    plan.hang(props.television(rng, foot=False), (0.9, 1.3))
  for _ in range(rng.poisson(2.5)):
    plan.hang(fixtures.picture(rng), (1.1, 1.6))
  for _ in range(rng.poisson(0.5)):
    hung = plan.hang(storage.wall_shelf(rng), (1.2, 1.7))
    plan.fill(hung, density=3)
  if rng.random() < 0.2:
    plan.hang(fixtures.clock(rng), (1.6, 1.9))
  if rng.random() < 0.3:
    plan.hang(fixtures.radiator(rng), (0.0, 0.01))
  for _ in range(rng.poisson(1.2)):
    chair = seats.chair(rng)
    if rng.random() < 0.5:
      plan.against(chair)
    else:
      plan.somewhere(chair)
  for _ in range(rng.poisson(3.5)):
    plan.somewhere(pick(rng, props.ON_FLOOR))


def rug(plan: Plan) -> None:
  """Lay a rug, which is floor."""
  rng = plan.rng
  width, _, length = plan.room
  size = (
    rng.uniform(0.25, 0.7) * width,
    0.015,
    rng.uniform(0.25, 0.7) * length,
  )
  cloth = materials.fabric(rng)
  parts = flat([box(Kind.FLOOR, cloth, (0, 0.0075, 0), size)])
  where = np.array([rng.uniform(0.35, 0.65) * width, 0,
                    rng.uniform(0.35, 0.65) * length])  # fmt: skip
  plan.add(Item(tuple(parts), size), where, rng.choice([0, rng.normal(0, 0.2)]))


def _sideboard(plan: Plan, television: float) -> None:
  """Place a low cabinet, with a television on it or with clutter."""
  rng = plan.rng
  placed = plan.against(storage.cabinet(rng))
  if placed is None:
    return
  width, height, _ = placed.item.size
  if rng.random() < television:
    tv = props.television(rng, foot=True)
    if tv.size[0] < width + 0.4 and height < 1.0:
      plan.add(tv, placed.at(0, height, 0), placed.angle)
      return
  plan.fill(placed, density=1.5)


def _desk(plan: Plan) -> None:
  rng = plan.rng
  placed = plan.against(furniture.desk(rng))
  if placed is None:
    return
  _, height, depth = placed.item.size
  if rng.random() < 0.7:
    x = rng.uniform(-0.2, 0.2)
    position = placed.at(x, height, -depth / 6)
    plan.add(props.monitor(rng), position, placed.angle + rng.normal(0, 0.1))
    plan.fill(placed, density=0.6)
  else:
    plan.fill(placed, density=1.3)
  if rng.random() < 0.85:
    chair = seats.chair(rng)
    z = depth / 2 + rng.uniform(0.15, 0.5)
    turned = placed.angle + np.pi + rng.normal(0, 0.4)
    plan.stand(chair, placed.at(rng.uniform(-0.2, 0.2), 0, z), turned, -0.12)


def _dining(plan: Plan) -> None:
  """Place a table with chairs of one make around it."""
  rng = plan.rng
  table = furniture.table(rng)
  placed = plan.somewhere(table, twist=0.1)
  if placed is None:
    return
  plan.fill(placed, density=1.0)
  width, _, depth = table.size
  chair = seats.chair(rng)
  slide = rng.uniform(0.0, 0.3)
  for quarter in range(4):
    span = width if quarter % 2 == 0 else depth
    count = 2 if span > 1.3 and quarter % 2 == 0 else 1
    out = (depth if quarter % 2 == 0 else width) / 2 + slide
    for i in range(count):
      if rng.random() < 0.25:
        continue
      spread = (i - (count - 1) / 2) * span / 2
      around = placed.angle + quarter * np.pi / 2
      spot = Placement(chair, placed.position, around).at(spread, 0, out)
      turned = around + np.pi + rng.normal(0, 0.2)
      plan.stand(chair, spot, turned, -0.16)
