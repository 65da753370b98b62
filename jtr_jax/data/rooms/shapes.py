"""Where a ray enters and leaves a unit shape, and the normal there.

Every solid is a unit shape under an affine map, so the ray is brought into the
frame of the shape: x(t) = o + t d with the same t. A shape is convex, hence the
ray is inside during one interval of t, empty when its start exceeds its end.

* box: |x|, |y|, |z| <= 1;
* frustum: |y| <= 1 and x^2 + z^2 <= (1 + taper y)^2, |taper| < 1;
* ellipsoid: x^2 + y^2 + z^2 <= 1.
"""

import enum
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Vector: TypeAlias = Sequence[np.ndarray] | np.ndarray
"""Three components x, y, z that broadcast together."""

Interval: TypeAlias = tuple[np.ndarray, np.ndarray]

_TINY = np.float32(1e-20)  # makes a zero positive, changes nothing else


class Shape(enum.IntEnum):
  """The unit shapes."""

  BOX = 0
  FRUSTUM = 1
  ELLIPSOID = 2


def interval(
  shape: Shape,
  origin: Vector,
  direction: Vector,
  taper: float | np.ndarray = 0.0,
) -> Interval:
  """Return the interval of t during which rays are inside a unit shape.

  Args:
    shape: which shape.
    origin: three arrays f32[...], in the frame of the shape.
    direction: three arrays f32[...], broadcastable with `origin`.
    taper: how the radius of a frustum grows with y, f32[...] or one number.

  Returns:
    Entry and exit f32[...]; entry > exit where the ray misses.
  """
  if shape == Shape.BOX:
    return _box(origin, direction)
  if shape == Shape.FRUSTUM:
    return _frustum(origin, direction, taper)
  return _ellipsoid(origin, direction)


def normal_and_map(
  shape: Shape, point: Vector, half: np.ndarray, taper: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
  """Return normals and texture coordinates of points on a unit shape.

  Args:
    shape: which shape.
    point: f32[3, N] on the surface, in the frame of the shape.
    half: f32[3], half extents in metres.
    taper: as in `interval`.

  Returns:
    Outward normals f32[3, N], orthogonal to the surface once divided by `half`
    (neither is normalised), and coordinates on the surface f32[2, N], metres.
  """
  if shape == Shape.BOX:
    return _box_surface(np.asarray(point), half)
  if shape == Shape.FRUSTUM:
    return _frustum_surface(np.asarray(point), half, taper)
  x, y, z = point
  return np.asarray(point), np.stack(
    [np.arctan2(x, z) * half[0], np.arcsin(np.clip(y, -1, 1)) * half[1]]
  )


def _dot(a: Vector, b: Vector) -> np.ndarray:
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _slab(origin: np.ndarray, direction: np.ndarray) -> Interval:
  """Return minus the entry and minus the exit of |x| <= 1."""
  inverse = 1 / (direction + _TINY)
  middle = origin * inverse
  reach = np.abs(inverse)
  return middle + reach, middle - reach


def _box(origin: Vector, direction: Vector) -> Interval:
  near, far = _slab(origin[0], direction[0])
  for axis in (1, 2):
    start, end = _slab(origin[axis], direction[axis])
    near = np.minimum(near, start)
    far = np.maximum(far, end)
  return -near, -far


def _frustum(
  origin: Vector, direction: Vector, taper: float | np.ndarray
) -> Interval:
  dx, dy, dz = direction
  # Start next to the shape: from afar, b^2 - ac would lose half of its digits.
  start = -_dot(origin, direction) / _dot(direction, direction)
  x, y, z = (o + start * d for o, d in zip(origin, direction, strict=True))
  radius, rate = 1 + taper * y, taper * dy
  a = dx * dx + dz * dz - rate * rate + _TINY
  b = x * dx + z * dz - radius * rate
  c = x * x + z * z - radius * radius
  square = b * b - a * c
  q = -b - np.copysign(np.sqrt(np.maximum(square, 0)), b) + _TINY
  near, far = np.minimum(q / a, c / q), np.maximum(q / a, c / q)
  if np.any(taper):
    # Along a ray steeper than the cone the inside lies beyond the roots, on
    # the side where the cone opens.
    steep, opens = a < 0, rate > 0
    near, far = (
      np.where(steep, np.where(opens, far, -np.inf), near),
      np.where(steep, np.where(opens, np.inf, near), far),
    )
  entry, leave = _slab(y, dy)
  near = np.where(square < 0, np.inf, np.maximum(near, -entry))
  return start + near, start + np.minimum(far, -leave)


def _ellipsoid(origin: Vector, direction: Vector) -> Interval:
  ox, oy, oz = origin
  dx, dy, dz = direction
  a = _dot(direction, direction)
  middle = -_dot(origin, direction) / a
  mx, my, mz = ox + middle * dx, oy + middle * dy, oz + middle * dz
  square = (1 - mx * mx - my * my - mz * mz) / a
  root = np.sqrt(np.maximum(square, 0))
  return np.where(square < 0, np.inf, middle - root), middle + root


def _box_surface(
  point: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  axis = np.argmax(np.abs(point), axis=0)
  faces = np.arange(3)[:, None] == axis
  metres = point * half[:, None]
  u = np.where(faces[0], metres[2], metres[0])
  v = np.where(faces[1], metres[2], metres[1])
  return np.where(faces, np.sign(point), 0), np.stack([u, v])


def _frustum_surface(
  point: np.ndarray, half: np.ndarray, taper: float
) -> tuple[np.ndarray, np.ndarray]:
  x, y, z = point
  radius = 1 + taper * y
  cap = np.abs(y) * radius > np.hypot(x, z)
  flat = np.zeros_like(x)
  normal = np.where(
    cap, np.stack([flat, np.sign(y), flat]), np.stack([x, -taper * radius, z])
  )
  side = np.stack([np.arctan2(x, z) * half[0], y * half[1]])
  top = np.stack([x * half[0], z * half[2]])
  return normal, np.where(cap, top, side)
