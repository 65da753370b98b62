"""Ray casting: what the camera sees, and which points a light reaches.

All arithmetic is f32. A camera ray is (x, y, 1) in the camera frame, so its
parameter t is the depth along the optical axis.
"""

import dataclasses

import numpy as np

from jtr_jax.data.rooms import shapes
from jtr_jax.data.rooms.scene import Camera, Part
from jtr_jax.data.rooms.shapes import Shape
from jtr_jax.data.rooms.vectors import dot, mapped

FACES = 6
"""Surfaces 0 to 5 are the faces of the shell, part i is surface 6 + i."""

_NEAR = 0.02
_SKIN = 2e-3  # metres; a surface does not shade itself
_CELLS = (32, 64)  # elevation and azimuth cells around a light


@dataclasses.dataclass(frozen=True, eq=False)
class Solids:
  """The parts of a scene as arrays of P entries.

  Attributes:
    shape: for each part its unit shape.
    taper: for each part its taper.
    centre: f64[P, 3].
    to_unit: f64[P, 3, 3], world vectors to the frame of the unit shape.
    reach: f64[P, 3, 3], rows are half axes in world coordinates.
    shadow: bool[P].
  """

  shape: tuple[Shape, ...]
  taper: tuple[float, ...]
  centre: np.ndarray
  to_unit: np.ndarray
  reach: np.ndarray
  shadow: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Hits:
  """What each pixel sees.

  Attributes:
    depth: f32[H, W], along the optical axis, metres.
    surface: i16[H, W], face of the shell or FACES + part.
  """

  depth: np.ndarray
  surface: np.ndarray


def solids(parts: tuple[Part, ...]) -> Solids:
  """Return the parts as arrays."""
  frame = np.stack([part.frame for part in parts])
  half = np.stack([part.half for part in parts])
  bulge = np.array([1 + abs(part.taper) for part in parts])
  extent = half * np.stack([bulge, np.ones_like(bulge), bulge], -1)
  return Solids(
    tuple(part.shape for part in parts),
    tuple(part.taper for part in parts),
    np.stack([part.centre for part in parts]),
    frame / half[:, :, None],
    frame * extent[:, :, None],
    np.array([part.shadow for part in parts]),
  )


def look(
  room: np.ndarray,
  parts: Solids,
  camera: Camera,
  size: tuple[int, int],
  *,
  tiny: bool = False,
) -> Hits:
  """Return the nearest surface of each pixel.

  Args:
    room: f64[3], width, height and length of the shell.
    parts: the solids in it.
    camera: inside the shell and outside the solids.
    size: height and width of the image.
    tiny: take the way that is faster for a very small image: all pixels and all
      solids of a shape at once, not one solid after the other in its window.

  Returns:
    Depth and surface of each pixel.
  """
  x, y = camera.rays(size)
  hits = _shell(room, camera, x, y)
  if tiny:
    _look_by_shape(hits, parts, camera, x, y)
  else:
    _look_by_window(hits, parts, camera, x, y)
  return hits


def _look_by_window(
  hits: Hits, parts: Solids, camera: Camera, x: np.ndarray, y: np.ndarray
) -> None:
  """Merge the parts into the hits, each in the window it can cover."""
  maps, origins = _seen_from(parts, camera)
  size = (len(y), len(x))
  for p, rows, columns in _windows(parts, camera, size):
    direction = _directions(maps[p], x[columns], y[rows])
    near, far = shapes.interval(
      parts.shape[p], origins[p], direction, parts.taper[p]
    )
    window = hits.depth[rows, columns]
    hit = (near < far) & (near > _NEAR) & (near < window)
    np.copyto(window, near, where=hit)
    np.copyto(hits.surface[rows, columns], FACES + p, where=hit)


def _look_by_shape(
  hits: Hits, parts: Solids, camera: Camera, x: np.ndarray, y: np.ndarray
) -> None:
  """Merge the parts into the hits, all of one shape at once."""
  maps, origins = _seen_from(parts, camera)
  for shape in shapes.Shape:
    group = np.flatnonzero(np.array(parts.shape) == shape)
    if group.size == 0:
      continue
    rows = maps[group].transpose(1, 2, 0)[..., None, None]
    direction = [r[0] * x + r[1] * y[:, None] + r[2] for r in rows]
    taper = np.array(parts.taper, np.float32)[group, None, None]
    near, far = shapes.interval(
      shape, origins[group].T[..., None, None], direction, taper
    )
    near = np.where((near < far) & (near > _NEAR), near, np.inf)
    nearest = np.argmin(near, axis=0)
    entry = np.take_along_axis(near, nearest[None], 0)[0]
    hit = entry < hits.depth
    hits.depth[hit] = entry[hit]
    hits.surface[hit] = FACES + group[nearest[hit]]


def _seen_from(parts: Solids, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
  """Return frames of unit vectors f32[P, 3, 3], and the camera f32[P, 3]."""
  maps = parts.to_unit @ camera.frame.T
  offset = camera.position - parts.centre
  origins = np.einsum("pij,pj->pi", parts.to_unit, offset)
  return maps.astype(np.float32), origins.astype(np.float32)


def _directions(
  to_unit: np.ndarray, x: np.ndarray, y: np.ndarray
) -> list[np.ndarray]:
  return [
    (row[0] * x)[None, :] + (row[1] * y + row[2])[:, None] for row in to_unit
  ]


def _shell(
  room: np.ndarray, camera: Camera, x: np.ndarray, y: np.ndarray
) -> Hits:
  """Return the faces seen from inside: where the ray leaves the box."""
  direction = _directions(camera.frame.T.astype(np.float32), x, y)
  depth = np.full((len(y), len(x)), np.inf, np.float32)
  surface = np.zeros(depth.shape, np.int16)
  for axis in range(3):
    along = direction[axis]
    along = np.where(along == 0, np.float32(1e-20), along)
    ahead = along > 0
    start = camera.position[axis]
    distance = np.where(
      ahead, np.float32(room[axis] - start), np.float32(-start)
    )
    t = distance / along
    nearer = t < depth
    np.copyto(depth, t, where=nearer)
    np.copyto(surface, 2 * axis + ahead, where=nearer)
  return Hits(depth, surface)


def _windows(
  parts: Solids, camera: Camera, size: tuple[int, int]
) -> list[tuple[int, slice, slice]]:
  """Return for each part in view the rows and columns that it can cover."""
  signs = np.stack(np.meshgrid(*[[-1, 1]] * 3, indexing="ij"), -1)
  corners = parts.centre[:, None] + signs.reshape(8, 3) @ parts.reach
  seen = (corners - camera.position) @ camera.frame.T
  z = seen[..., 2]
  behind = np.any(z < _NEAR, axis=1)
  focal = camera.focal(size)
  flat = focal * seen[..., :2] / np.maximum(z, _NEAR)[..., None]
  flat += np.array([size[1] / 2, size[0] / 2])
  low = np.where(behind[:, None], 0, np.floor(flat.min(axis=1) - 0.51))
  high = np.where(behind[:, None], 1e6, np.ceil(flat.max(axis=1) + 0.51))
  low = np.clip(low, 0, size[::-1]).astype(int)
  high = np.clip(high, 0, size[::-1]).astype(int)
  visible = np.any(z > _NEAR, axis=1) & np.all(low < high, axis=1)
  nearest = np.argsort(z.min(axis=1), kind="stable")
  return [
    (int(p), slice(low[p, 1], high[p, 1]), slice(low[p, 0], high[p, 0]))
    for p in nearest[visible[nearest]]
  ]


def reached(
  parts: Solids,
  points: np.ndarray,
  targets: np.ndarray,
  radius: float,
) -> np.ndarray:
  """Return which points see their target.

  A solid can only be in the way of points in its shadow cone, so points and
  solids are sorted into cells around the mean target first.

  Args:
    parts: what stands in the way.
    points: f32[3, N], on surfaces.
    targets: f32[3, N], places on the light.
    radius: largest distance of a target from their middle.

  Returns:
    bool[N].
  """
  ray = targets - points
  distance = np.sqrt(dot(ray, ray))
  ray /= distance
  middle = targets.mean(axis=1, dtype=np.float64)
  lit = np.ones(points.shape[1], bool)
  cells, cone = _cells(points - middle[:, None].astype(np.float32))
  touched = _touched(parts, middle, radius, cone)
  for p in np.flatnonzero(parts.shadow):
    index = np.flatnonzero(touched[p].take(cells) & lit)
    if index.size == 0:
      continue
    to_unit = parts.to_unit[p].astype(np.float32)
    centre = parts.centre[p].astype(np.float32)[:, None]
    origin = mapped(to_unit, points.take(index, axis=1) - centre)
    direction = mapped(to_unit, ray.take(index, axis=1))
    near, far = shapes.interval(
      parts.shape[p], origin, direction, parts.taper[p]
    )
    near = np.maximum(near, 0)
    hit = (near + _SKIN < far) & (near < distance.take(index))
    lit[index[hit]] = False
  return lit


def _cells(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Return the cell of each direction, and the cells' central directions."""
  rows, columns = _CELLS
  x, y, z = offset
  azimuth = np.arctan2(z, x) * np.float32(columns / 2 / np.pi) + columns / 2
  level = np.arctan2(y, np.hypot(x, z)) * np.float32(rows / np.pi) + rows / 2
  row = np.clip(level.astype(np.int32), 0, rows - 1)
  cell = row * columns + np.minimum(azimuth.astype(np.int32), columns - 1)
  up = ((np.arange(rows) + 0.5) / rows - 0.5)[:, None] * np.pi
  around = ((np.arange(columns) + 0.5) / columns - 0.5)[None] * 2 * np.pi
  cone = np.stack(
    [np.cos(up) * np.cos(around), np.sin(up) + 0 * around,
     np.cos(up) * np.sin(around)]
  )  # fmt: skip
  return cell, cone.reshape(3, -1)


def _touched(
  parts: Solids, middle: np.ndarray, radius: float, cone: np.ndarray
) -> np.ndarray:
  """Return bool[P, cells]: the shadow of the part may fall into the cell."""
  offset = parts.centre - middle
  distance = np.linalg.norm(offset, axis=1)
  size = np.sqrt((parts.reach**2).sum(axis=(1, 2))) + radius
  cosine = np.einsum("pk,kc->pc", offset, cone)
  cosine /= np.maximum(distance, 1e-9)[:, None]
  widest = np.arcsin(np.minimum(size / np.maximum(distance, 1e-9), 1))
  widest += np.pi / 2 * np.hypot(1 / _CELLS[0], 2 / _CELLS[1])
  near = (distance < size) | (widest > np.pi)
  return near[:, None] | (cosine > np.cos(widest)[:, None])
