"""Procedural reflectance: a function of the place on the surface, in metres.

Patterns finer than a pixel fade to their mean, so they do not alias.
"""

import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.rooms.scene import Material

Array: TypeAlias = np.ndarray

_TILE = 256
_FINEST = 2.5  # cells of the tile per shortest visible wave


def reflectance(
  material: Material, u: np.ndarray, v: np.ndarray, footprint: np.ndarray
) -> np.ndarray:
  """Return the colour of surface points.

  Args:
    material: its pattern, colours, scale, phase and angle are used.
    u: f32[N], first coordinate on the surface in metres.
    v: f32[N], second coordinate.
    footprint: f32[N], width of a pixel on the surface in metres.

  Returns:
    f32[3, N], linear reflectance in [0, 1].

  Raises:
    ValueError: if the pattern is unknown.
  """
  if material.pattern not in _PATTERNS:
    raise errors.unknown_name("pattern", material.pattern, _PATTERNS)
  c, s = np.cos(material.angle), np.sin(material.angle)
  scale = np.float32(1 / material.scale)
  pu, pv = material.phase
  a = (np.float32(c) * u + np.float32(s) * v) * scale + np.float32(pu)
  b = (np.float32(c) * v - np.float32(s) * u) * scale + np.float32(pv)
  colours = material.colours.astype(np.float32)
  rgb = _PATTERNS[material.pattern](a, b, footprint * scale, colours)
  return np.clip(rgb, 0, 1)


def fractal(u: np.ndarray, v: np.ndarray) -> np.ndarray:
  """Return smooth random values in [0, 1] with mean 1/2, of period 256.

  Args:
    u: f32[...], in cells; details are about one cell wide and larger.
    v: f32[...].

  Returns:
    f32[...], interpolated bilinearly from one fixed tile of 1/f noise.
  """
  fu, fv = np.floor(u), np.floor(v)
  du, dv = u - fu, v - fv
  column = fu.astype(np.int32) & (_TILE - 1)
  first = (fv.astype(np.int32) & (_TILE - 1)) * (_TILE + 1) + column
  tile = _tile()
  top = tile.take(first)
  top += (tile.take(first + 1) - top) * du
  first += _TILE + 1
  low = tile.take(first)
  low += (tile.take(first + 1) - low) * du
  return top + (low - top) * dv


@functools.cache
def _tile() -> np.ndarray:
  rng = np.random.Generator(np.random.Philox(20240617))
  frequency = np.hypot(
    np.fft.fftfreq(_TILE)[:, None], np.fft.fftfreq(_TILE)[None]
  )
  frequency[0, 0] = np.inf
  white = np.fft.fft2(rng.standard_normal((_TILE, _TILE)))
  noise = np.fft.ifft2(white * frequency**-1.1).real
  noise = np.clip(0.5 + 0.2 * noise / noise.std(), 0, 1)
  wrapped = np.pad(noise, ((0, 1), (0, 1)), mode="wrap")
  return wrapped.astype(np.float32).ravel()


@functools.cache
def _random() -> np.ndarray:
  rng = np.random.Generator(np.random.Philox(31415))
  return rng.random(4096, dtype=np.float32)


def _hash(i: np.ndarray, j: np.ndarray | int = 0) -> np.ndarray:
  key = i.astype(np.int32) * 1619 + np.asarray(j).astype(np.int32) * 31337
  return _random().take((key ^ (key >> 7)) & 4095)


def _fade(footprint: np.ndarray, waves: float) -> np.ndarray:
  """Weight of a pattern with so many waves per unit; 1/2 at Nyquist."""
  return np.clip(1.5 - 2 * waves * footprint, 0, 1)


def _mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
  return a[:, None] + (b - a)[:, None] * weight


def _grain(
  u: np.ndarray, v: np.ndarray, p: np.ndarray, cells: float
) -> np.ndarray:
  """Return noise around 0 with so many cells per unit, faded."""
  noise = fractal(u * np.float32(cells), v * np.float32(cells)) - 0.5
  return noise * _fade(p, cells / _FINEST / 4)


def _line(x: np.ndarray, p: np.ndarray, width: float) -> np.ndarray:
  """Return 1 on grid lines at whole numbers, smoothed to a pixel, else 0."""
  distance = np.abs(x - np.rint(x))
  soft = np.maximum(p, 1e-4)
  cover = np.clip((width / 2 - distance) / soft + 0.5, 0, 1)
  return cover * np.minimum(1, width / soft + 0.2)


def _plain(u: Array, v: Array, p: Array, c: Array) -> Array:
  return c[0][:, None] * (1 + 0.12 * _grain(u, v, p, 12))


def _plaster(u: Array, v: Array, p: Array, c: Array) -> Array:
  stain = fractal(u * 3, v * 3) - 0.5
  return c[0][:, None] * (1 + 0.25 * _grain(u, v, p, 60) + 0.2 * stain)


def _wood(u: Array, v: Array, p: Array, c: Array) -> Array:
  rings = fractal(u * 2, v * 22)
  fine = fractal(u * 9, v * 160) - 0.5
  tone = rings + 0.7 * fine * _fade(p, 12)
  return _mix(c[0], c[1], np.clip(1.6 * tone - 0.3, 0, 1))


def _planks(u: Array, v: Array, p: Array, c: Array) -> Array:
  row = np.floor(v)
  along = u / 8 + _hash(row)
  board = np.floor(along)
  shade = _hash(row, board + 7)
  grain = fractal(u * 3 + 40 * shade, v * 24 + 90 * shade)
  gap = np.maximum(_line(v, p, 0.04), _line(along, p / 8, 0.005))
  tone = 0.6 * shade + 0.4 + 1.2 * (grain - 0.5) * _fade(p, 2)
  return _mix(c[0], c[1], np.clip(tone, 0, 1)) * (1 - 0.6 * gap)


def _tiles(u: Array, v: Array, p: Array, c: Array) -> Array:
  shade = _hash(np.floor(u), np.floor(v))
  tone = 1 + 0.15 * (shade - 0.5) + 0.3 * _grain(u, v, p, 8)
  grout = np.maximum(_line(u, p, 0.03), _line(v, p, 0.03))
  return c[0][:, None] * tone * (1 - grout) + c[1][:, None] * grout


def _brick(u: Array, v: Array, p: Array, c: Array) -> Array:
  row = np.floor(v * 3)
  shifted = u + 0.5 * (row % 2)
  shade = _hash(np.floor(shifted), row)
  gap = np.maximum(_line(shifted, p, 0.04), _line(v * 3, p * 3, 0.12))
  tone = (0.7 + 0.6 * shade) * (1 + 0.5 * _grain(u, v, p, 30))
  return c[0][:, None] * tone * (1 - gap) + c[1][:, None] * gap


def _checks(u: Array, v: Array, p: Array, c: Array) -> Array:
  odd = ((np.floor(u) + np.floor(v)) % 2 - 0.5) * _fade(p, 0.5) + 0.5
  return _mix(c[0], c[1], odd) * (1 + 0.2 * _grain(u, v, p, 20))


def _plaid(u: Array, v: Array, p: Array, c: Array) -> Array:
  fade = _fade(p, 0.7)
  across = (u - np.floor(u) < 0.4) * fade
  along = (v - np.floor(v) < 0.4) * fade
  thin = np.maximum(_line(u - 0.7, p, 0.06), _line(v - 0.7, p, 0.06))
  return _mix(c[0], c[1], 0.5 * (across + along)) * (1 - 0.5 * thin)


def _stripes(u: Array, v: Array, p: Array, c: Array) -> Array:
  x = u - np.floor(u)
  wide = ((x < 0.5) - 0.5) * _fade(p, 1) + 0.5
  thin = _line(u - 0.75, p, 0.1)
  return _mix(c[0], c[1], wide) * (1 - 0.4 * thin)


def _dots(u: Array, v: Array, p: Array, c: Array) -> Array:
  x, y = u - np.rint(u), v - np.rint(v)
  radius = 0.2 + 0.15 * _hash(np.rint(u), np.rint(v))
  edge = (radius - np.hypot(x, y)) / np.maximum(p, 0.01)
  return _mix(c[0], c[1], np.clip(edge + 0.5, 0, 1) * _fade(p, 1))


def _floral(u: Array, v: Array, p: Array, c: Array) -> Array:
  first = np.clip(9 * (fractal(u * 9, v * 9) - 0.55), 0, 1)
  second = np.clip(9 * (fractal(u * 7 + 99, v * 7) - 0.62), 0, 1)
  rgb = _mix(c[0], c[1], first * _fade(p, 2))
  return rgb + (c[-1][:, None] - rgb) * (second * _fade(p, 2))


def _carpet(u: Array, v: Array, p: Array, c: Array) -> Array:
  fine = _grain(u, v, p, 150)
  worn = fractal(u * 5, v * 5)
  return _mix(c[0], c[1], np.clip(worn, 0, 1)) * (1 + 0.9 * fine)


def _weave(u: Array, v: Array, p: Array, c: Array) -> Array:
  threads = np.sin(u * 60) * np.sin(v * 60) * _fade(p, 12)
  return c[0][:, None] * (1 + 0.15 * threads + 0.3 * _grain(u, v, p, 6))


def _marble(u: Array, v: Array, p: Array, c: Array) -> Array:
  veins = np.abs(fractal(u * 6, v * 6) - 0.5)
  tone = np.clip(1 - 14 * veins, 0, 1) * _fade(p, 2)
  return _mix(c[0], c[1], 0.7 * tone) * (1 + 0.2 * _grain(u, v, p, 4))


def _spines(u: Array, v: Array, p: Array, c: Array) -> Array:
  warped = u + 0.35 * np.sin(u * 1.7)
  book = np.floor(warped)
  pick = (_hash(book) * len(c)).astype(np.int32)
  shade = 0.55 + 0.7 * _hash(book, 3)
  band = np.abs(v * 0.12 - np.rint(v * 0.12) + 0.3 * _hash(book, 5)) < 0.07
  title = band * (0.9 * _hash(book, 11)) * _fade(p, 2)
  gap = _line(warped, p, 0.12) * _fade(p, 0.5)
  rgb = c[pick].T * shade
  return (rgb + (0.8 - rgb) * title) * (1 - 0.75 * gap)


def _art(u: Array, v: Array, p: Array, c: Array) -> Array:
  field = fractal(u * 7, v * 7) * 1.5 + 0.4 * (v - np.floor(v)) - 0.25
  index = np.clip(field * len(c), 0, len(c) - 1.001)
  low = index.astype(np.int32)
  step = np.clip(6 * (index - low) - 2.5, 0, 1)
  rgb = c[low].T + (c[low + 1] - c[low]).T * step
  return rgb * (1 + 0.8 * _grain(u, v, p, 40))


def _blocks(u: Array, v: Array, p: Array, c: Array) -> Array:
  x, y = u + 0.3 * np.sin(v * 2.1), v + 0.3 * np.sin(u * 1.3)
  pick = _hash(np.floor(x), np.floor(y)) * len(c)
  rgb = c[pick.astype(np.int32)].T
  return rgb * (1 - 0.8 * np.maximum(_line(x, p, 0.03), _line(y, p, 0.03)))


def _outdoors(u: Array, v: Array, p: Array, c: Array) -> Array:
  cloud = np.clip(2 * fractal(u * 4, v * 9) - 0.6, 0, 1)
  rgb = _mix(c[0], c[1], cloud)
  crown = 0.6 * (fractal(u * 14, u * 3 + 50) - 0.5) + 0.3
  leaves = fractal(u * 40, v * 40)
  trees = np.clip((crown - v) * 12, 0, 1)
  green = c[2][:, None] * (0.3 + 1.2 * leaves)
  return rgb + (green - rgb) * trees


_Pattern: TypeAlias = Callable[
  [np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray
]
_PATTERNS: dict[str, _Pattern] = {
  "plain": _plain,
  "plaster": _plaster,
  "wood": _wood,
  "planks": _planks,
  "tiles": _tiles,
  "brick": _brick,
  "checks": _checks,
  "plaid": _plaid,
  "stripes": _stripes,
  "dots": _dots,
  "floral": _floral,
  "carpet": _carpet,
  "weave": _weave,
  "marble": _marble,
  "spines": _spines,
  "art": _art,
  "blocks": _blocks,
  "outdoors": _outdoors,
}
