"""Light and colour: from a scene to linear radiance and surface attributes.

Shadows of extended lights: each pixel aims at one of 16 points of the light,
and the 4x4 neighbourhood on the same surface is averaged.
"""

import dataclasses

import numpy as np

from jtr_jax.data.rooms import shapes, texture, trace
from jtr_jax.data.rooms.scene import Camera, Light, Material, Scene
from jtr_jax.data.rooms.trace import FACES, Hits, Solids
from jtr_jax.data.rooms.vectors import along, dot, mapped, unit

_LATTICE = 4
_DIM = 0.004  # light that is not worth a shadow ray


@dataclasses.dataclass(frozen=True, eq=False)
class Surfaces:
  """What is known of the surface in each of the N = H W pixels.

  Attributes:
    point: f32[3, N], world coordinates.
    normal: f32[3, N], world coordinates, unit, towards the camera.
    view: f32[3, N], unit, from the surface to the camera.
    distance: f32[N], from the camera.
    albedo: f32[3, N].
    specular: f32[N].
    gloss: f32[N].
    emission: f32[N].
    infrared: f32[N].
    label: i8[N].
  """

  point: np.ndarray
  normal: np.ndarray
  view: np.ndarray
  distance: np.ndarray
  albedo: np.ndarray
  specular: np.ndarray
  gloss: np.ndarray
  emission: np.ndarray
  infrared: np.ndarray
  label: np.ndarray


def surfaces(scene: Scene, hits: Hits) -> Surfaces:
  """Return position, orientation, look and class of every visible point.

  Args:
    scene: the scene.
    hits: what its camera sees.

  Returns:
    Attributes of the pixels, row by row.
  """
  size = hits.depth.shape
  ray, stretch = _rays(scene.camera, (size[0], size[1]))
  depth = hits.depth.ravel()
  point = ray * depth + scene.camera.position.astype(np.float32)[:, None]
  distance = depth * stretch
  footprint = depth / np.float32(scene.camera.focal((size[0], size[1])))
  view = -ray / stretch
  normal = np.empty_like(point)
  albedo = np.empty_like(point)
  looks = [m for _, m in scene.shell] + [part.material for part in scene.parts]
  for surface, index in _by_surface(hits.surface.ravel()):
    at = point.take(index, axis=1)
    outward, u, v = _orientation(scene, surface, at)
    cosine = np.abs(dot(outward, view.take(index, axis=1)))
    width = footprint.take(index) / np.maximum(cosine, 0.1)
    normal[:, index] = outward
    albedo[:, index] = texture.reflectance(looks[surface], u, v, width)
  return Surfaces(
    point, normal, view, distance, albedo, *_gathered(scene, looks, hits)
  )


def _rays(
  camera: Camera, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
  """Return world vectors f32[3, N] of depth 1 and their lengths f32[N]."""
  x, y = camera.rays(size)
  frame = camera.frame.astype(np.float32)
  grid = np.stack([
    np.broadcast_to(x, size), np.broadcast_to(y[:, None], size),
    np.ones(size, np.float32),
  ]).reshape(3, -1)  # fmt: skip
  length = np.sqrt(np.square(x)[None] + np.square(y)[:, None] + 1).ravel()
  return mapped(frame.T, grid), length


def _by_surface(surface: np.ndarray) -> list[tuple[int, np.ndarray]]:
  """Return for each surface in sight the pixels that show it."""
  order = np.argsort(surface, kind="stable")
  names, starts = np.unique(surface[order], return_index=True)
  groups = np.split(order, starts[1:])
  return [(int(n), g) for n, g in zip(names, groups, strict=True)]


def _orientation(
  scene: Scene, surface: int, point: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Return unit normals towards the open side, and surface coordinates."""
  if surface < FACES:
    axis, end = divmod(surface, 2)
    normal = np.zeros_like(point)
    normal[axis] = 1 - 2 * end
    u, v = ((2, 1), (0, 2), (0, 1))[axis]
    return normal, point[u], point[v]
  part = scene.parts[surface - FACES]
  half = part.half.astype(np.float32)
  to_unit = (part.frame / part.half[:, None]).astype(np.float32)
  offset = point - part.centre.astype(np.float32)[:, None]
  local = mapped(to_unit, offset)
  normal, (u, v) = shapes.normal_and_map(part.shape, local, half, part.taper)
  return unit(mapped(to_unit.T, normal)), u, v


def _gathered(
  scene: Scene, looks: list[Material], hits: Hits
) -> list[np.ndarray]:
  """Return specular, gloss, emission, infrared and label of each pixel."""
  labels = [kind for kind, _ in scene.shell] + [p.label for p in scene.parts]
  surface = hits.surface.ravel()
  columns = [
    np.array([getattr(m, name) for m in looks], np.float32)
    for name in ("specular", "gloss", "emission", "infrared")
  ]
  columns.append(np.array(labels, np.int8))
  return [column.take(surface) for column in columns]


def radiance(
  scene: Scene, solids: Solids, hits: Hits, seen: Surfaces
) -> np.ndarray:
  """Return the light that reaches the camera, linear.

  Args:
    scene: the scene.
    solids: its parts.
    hits: what the camera sees.
    seen: attributes of the visible surfaces.

  Returns:
    f32[3, N].
  """
  open_ = _openness(scene, hits, seen)
  tint = scene.ambient.astype(np.float32)[:, None]
  sideways = 0.85 + 0.15 * seen.normal[1]
  light = tint * (open_ * sideways)
  total = seen.albedo * (light + seen.emission)
  for lamp in scene.lights:
    total += _lit(lamp, solids, hits, seen)
  return total


def _openness(scene: Scene, hits: Hits, seen: Surfaces) -> np.ndarray:
  """Share of the surroundings' light that reaches a point: 1 in the open."""
  room = scene.room.astype(np.float32)
  result = np.ones_like(seen.distance)
  for axis in range(3):
    for end in (0, 1):
      gap = room[axis] - seen.point[axis] if end else seen.point[axis]
      towards = seen.normal[axis] if end else -seen.normal[axis]
      # A surface that looks away from the face is not darkened by it.
      share = 0.5 * (1 + towards) * np.exp(-np.abs(gap) * np.float32(2.5))
      result *= 1 - 0.55 * share
  return result * _crevices(scene.camera, hits, seen)


def _crevices(camera: Camera, hits: Hits, seen: Surfaces) -> np.ndarray:
  """Return occlusion by what is near in the image, within about 0.3 m."""
  height, width = hits.depth.shape
  focal = camera.focal((height, width))
  row, column = np.divmod(np.arange(height * width, dtype=np.int32), width)
  spin = ((row % 4) * 4 + column % 4).astype(np.float32) * (np.pi / 8)
  reach = np.clip(0.2 * focal / hits.depth.ravel(), 1, 0.15 * width)
  dark = np.zeros_like(seen.distance)
  samples = 5
  for k in range(samples):
    angle = spin + np.float32(2 * np.pi * k / samples)
    radius = reach * np.float32((k + 1) / samples)
    i = np.clip(row + (radius * np.sin(angle)).astype(np.int32), 0, height - 1)
    j = np.clip(
      column + (radius * np.cos(angle)).astype(np.int32), 0, width - 1
    )
    offset = seen.point.take(i * width + j, axis=1) - seen.point
    square = dot(offset, offset) + 1e-4
    rise = dot(offset, seen.normal) / np.sqrt(square)
    dark += np.maximum(rise - 0.1, 0) / (1 + square * 12)
  return 1 - 0.75 * _smoothed(dark / samples, hits.surface)


def _lit(lamp: Light, solids: Solids, hits: Hits, seen: Surfaces) -> np.ndarray:
  """Diffuse and specular light of one lamp, f32[3, N]."""
  offset = lamp.position.astype(np.float32)[:, None] - seen.point
  square = dot(offset, offset)
  offset /= np.sqrt(square)
  strength = np.maximum(dot(offset, seen.normal), 0)
  if lamp.opening is not None:
    strength *= _in_beam(lamp.opening, seen.point, offset)
  else:
    strength /= square + np.float32(0.3)
  if lamp.facing is not None:
    away = -lamp.facing.astype(np.float32)
    strength *= np.maximum(along(away, offset), 0)
  strength *= _unshaded(lamp, solids, hits, seen.point, strength)
  middle = unit(offset + seen.view)
  shine = np.maximum(dot(middle, seen.normal), 1e-3)
  shine = seen.specular * shine**seen.gloss * np.sqrt(seen.gloss) * 0.4
  colour = lamp.colour.astype(np.float32)[:, None]
  return (seen.albedo + shine) * (colour * strength)


def _unshaded(
  lamp: Light,
  solids: Solids,
  hits: Hits,
  point: np.ndarray,
  strength: np.ndarray,
) -> np.ndarray:
  """Share of the lamp that each point sees, f32[N].

  Every other pixel, as on a chess board, sends a ray.
  """
  size = hits.surface.shape
  asked = (np.add.outer(np.arange(size[0]), np.arange(size[1])) % 2) == 0
  index = np.flatnonzero((strength > _DIM) & asked.ravel())
  clear = np.zeros_like(strength)
  if index.size == 0:
    return clear
  target, radius = _targets(lamp, size)
  clear[index] = trace.reached(
    solids, point.take(index, axis=1), target.take(index, axis=1), radius
  )
  return _smoothed(clear, hits.surface, asked)


def _targets(lamp: Light, size: tuple[int, ...]) -> tuple[np.ndarray, float]:
  """Return points of the lamp, one a pixel, and their distance from its middle.

  Each 4x4 block of pixels uses 16 points, one in each cell of a 4x4 grid.
  """
  rows, columns = np.indices((_LATTICE, _LATTICE))
  a = (rows + columns * 0.25 + 0.125) / _LATTICE * 2 - 1
  b = ((columns + 2 * rows) % 4 + rows * 0.25 + 0.125) / _LATTICE * 2 - 1
  block = (
    lamp.position[:, None, None]
    + lamp.u[:, None, None] * a
    + lamp.v[:, None, None] * b
  ).astype(np.float32)
  repeats = (1, -(-size[0] // _LATTICE), -(-size[1] // _LATTICE))
  target = np.tile(block, repeats)[:, : size[0], : size[1]].reshape(3, -1)
  radius = float(np.hypot(np.linalg.norm(lamp.u), np.linalg.norm(lamp.v)))
  return target, radius


def _in_beam(
  opening: np.ndarray, point: np.ndarray, direction: np.ndarray
) -> np.ndarray:
  """Return 1 where the ray to the sun passes through the window, else 0."""
  centre, u, v, normal = opening.astype(np.float32)
  speed = along(normal, direction)
  t = along(normal, centre[:, None] - point) / np.minimum(speed, -1e-6)
  across = point + t * direction - centre[:, None]
  inside = np.abs(along(u, across)) < u @ u
  inside &= np.abs(along(v, across)) < v @ v
  return (inside & (speed < 0)).astype(np.float32)


def _smoothed(
  value: np.ndarray, surface: np.ndarray, known: np.ndarray | None = None
) -> np.ndarray:
  """Return means of the known in 4x4 pixels of one surface, 1 if none is."""
  height, width = surface.shape
  pad = ((1, 2), (1, 2))
  image = np.pad(value.reshape(surface.shape), pad, mode="edge")
  names = surface if known is None else np.where(known, surface, -1)
  names = np.pad(names, pad, constant_values=-1)
  total = np.zeros(surface.shape, np.float32)
  count = np.zeros(surface.shape, np.float32)
  for i in range(_LATTICE):
    for j in range(_LATTICE):
      window = (slice(i, i + height), slice(j, j + width))
      same = names[window] == surface
      total += image[window] * same
      count += same
  return np.where(count, total / np.maximum(count, 1), 1).ravel()
