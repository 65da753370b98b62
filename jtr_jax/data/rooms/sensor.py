"""The colour camera and the depth camera, with their faults."""

import numpy as np

from jtr_jax.data.rooms import filters, texture
from jtr_jax.data.rooms.scene import Camera
from jtr_jax.data.rooms.trace import Hits

_BASELINE = 0.075  # metres between the infrared projector and its camera


def photograph(
  rng: np.random.Generator, radiance: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
  """Return what a colour camera makes of the light.

  Blur, automatic exposure, white balance, vignetting, photon and read noise, a
  curve that rolls off highlights, the gamma of sRGB (1 / 2.2), contrast.

  Args:
    rng: source of the camera's settings and of its noise.
    radiance: f32[3, N], linear.
    size: height H and width W, N = H W.

  Returns:
    u8[H, W, 3].
  """
  settings = rng.uniform(size=8)
  gains = 1 + (settings[:3] - 0.5) * np.array([0.3, 0.1, 0.3])
  key = 0.2 * 2 ** (1.6 * settings[3] - 0.9)
  image = radiance.reshape(3, *size)
  image = filters.gaussian(
    image, (0.5 + 0.5 * settings[4]) * size[1] / 384 + 0.15
  )
  grey = image.mean(axis=0)
  exposure = key / float(np.exp(np.log(grey + 1e-3).mean()))
  image *= (gains * exposure).astype(np.float32)[:, None, None]
  image *= _vignette(size, 0.05 + 0.3 * settings[5])
  noise = rng.standard_normal(image.shape, dtype=np.float32)
  grain = 10 ** (settings[6] - 2.6)
  image += noise * grain * np.sqrt(np.maximum(image, 0) * 0.3 + 0.02)
  image = np.maximum(image, 0)
  image = image * (1 + image / 9) / (1 + image)
  image = np.minimum(image, 1) ** np.float32(1 / 2.2)
  contrast = np.float32(0.8 * settings[7])
  image += contrast * image * (image * (3 - 2 * image) - 1)
  return np.rint(255 * image.transpose(1, 2, 0)).astype(np.uint8)


def _vignette(size: tuple[int, int], strength: float) -> np.ndarray:
  y = (np.arange(size[0]) + 0.5) / size[0] * 2 - 1
  x = (np.arange(size[1]) + 0.5) / size[1] * 2 - 1
  square = (y * y)[:, None] + (x * x)[None]
  return (1 - strength * square / 2).astype(np.float32)


def depth_holes(
  rng: np.random.Generator,
  camera: Camera,
  hits: Hits,
  cosine: np.ndarray,
  infrared: np.ndarray,
) -> np.ndarray:
  """Return where a depth camera would measure nothing.

  It needs light of its own projector back: too little returns at grazing
  angles, from dark or mirror-like surfaces and from afar. What the projector, a
  little to the right of the camera, cannot see is in its shadow.

  Args:
    rng: source of randomness.
    camera: where it is.
    hits: exact depth f32[H, W].
    cosine: f32[N], between normal and viewing direction.
    infrared: f32[N], share of light that the material returns.

  Returns:
    bool[H, W].
  """
  height, width = size = hits.depth.shape
  shift = rng.uniform(0, 256, 4).astype(np.float32)
  v = ((np.arange(height) + 0.5) / height)[:, None].astype(np.float32)
  u = ((np.arange(width) + 0.5) / width)[None].astype(np.float32)
  u, v = np.broadcast_to(u, size), np.broadcast_to(v, size)
  patches = texture.fractal(u * 40 + shift[0], v * 30 + shift[1])
  speckle = texture.fractal(u * 160 + shift[2], v * 120 + shift[3])
  returned = (infrared * cosine).reshape(size) / (0.5 + 0.1 * hits.depth**2)
  luck = np.exp2(5 * (patches - 0.5) + 3 * (speckle - 0.5))
  limit = np.float32(rng.uniform(0.025, 0.065))
  return (
    (returned * luck < limit)
    | (hits.depth > rng.uniform(7.0, 9.0))
    | (hits.depth < 0.4)
    | _shadowed(camera, hits.depth)
  )


def _shadowed(camera: Camera, depth: np.ndarray) -> np.ndarray:
  """Return whether something hides the point from the projector, row by row.

  The projector sees pixel column x at x - f b / z. Rows keep their order unless
  something nearer covers what lies behind it.
  """
  focal = camera.focal((depth.shape[0], depth.shape[1]))
  column = np.arange(depth.shape[1], dtype=np.float32)
  seen = column - np.float32(focal * _BASELINE) / depth
  first = np.minimum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
  hidden = np.zeros(depth.shape, bool)
  hidden[:, :-1] = seen[:, :-1] > first[:, 1:]
  return hidden
