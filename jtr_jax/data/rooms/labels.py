"""The Taskonomy-like labels: edges, key points, reshading."""

import numpy as np

from jtr_jax.data.rooms import filters
from jtr_jax.data.rooms.scene import Camera
from jtr_jax.data.rooms.trace import Hits

_LAMP_RANGE = 4.0
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def reshading(cosine: np.ndarray, distance: np.ndarray) -> np.ndarray:
  """Return the white scene lit by a lamp at the camera.

  cos(angle) / (1 + (r / 4 m)^2): Lambert's law, falling off with distance r.

  Args:
    cosine: f32[...], between normal and direction to the camera.
    distance: f32[...], metres from the camera.

  Returns:
    f32[...] in [0, 1].

  Source:
    Zamir et al., Taskonomy, 2018, supplement: a point light at the camera.
  """
  falloff = 1 + np.square(distance / np.float32(_LAMP_RANGE))
  return np.clip(cosine / falloff, 0, 1)


def edge_occlusion(
  camera: Camera, hits: Hits, normal: np.ndarray
) -> np.ndarray:
  """Return how near an occluding contour is.

  Two neighbouring pixels on different surfaces are separated by a contour if
  neither tangent plane, prolonged, explains the depth of the other pixel: the
  remaining gap is compared with 4% of the depth and two pixels' width. (Solids
  are convex, none occludes itself.) The contours are then blurred to a width of
  about 1% of the image.

  Args:
    camera: where the image was taken from.
    hits: exact depth and surface, [H, W].
    normal: f32[3, H, W], unit, in the camera frame.

  Returns:
    f32[H, W] in [0, 1].
  """
  height, width = size = hits.depth.shape
  index = np.arange(height * width).reshape(size)
  pairs = [(index[:-1], index[1:]), (index[:, :-1], index[:, 1:])]
  contour = np.zeros(height * width, np.float32)
  surface = hits.surface.ravel()
  planes = _Planes(camera, hits.depth, normal)
  for first, second in pairs:
    differs = surface[first] != surface[second]
    one, two = first[differs], second[differs]
    strength = planes.gap(one, two)
    for side in (one, two):  # no pixel occurs twice in a side
      contour[side] = np.maximum(contour[side], strength)
  sigma = max(0.5, 0.004 * width)
  # A line two pixels wide keeps its full height.
  peak = np.float32(min(1.0, 2 / (sigma * np.sqrt(2 * np.pi))))
  return np.clip(filters.gaussian(contour.reshape(size), sigma) / peak, 0, 1)


class _Planes:
  """The tangent planes of all pixels."""

  def __init__(self, camera: Camera, depth: np.ndarray, normal: np.ndarray):
    self.depth = depth.ravel()
    self.normal = normal.reshape(3, -1)
    self.width = depth.shape[1]
    size = (depth.shape[0], depth.shape[1])
    self.x, self.y = camera.rays(size)
    self.pixel = np.float32(1 / camera.focal(size))

  def gap(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return 0 to 1: how surely a contour runs between two pixels."""
    gap = np.minimum(self._miss(one, two), self._miss(two, one))
    nearer = np.minimum(self.depth[one], self.depth[two])
    return np.clip(2 * gap / (nearer * (0.04 + 2 * self.pixel)) - 1, 0, 1)

  def _miss(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return distance of `there` from the plane at `here`, along the axis."""
    ahead = self._rise(here, there)
    plane = self.depth[here] * self._rise(here, here)
    return np.abs(
      plane / np.minimum(ahead, np.float32(-1e-6)) - self.depth[there]
    )

  def _rise(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return normal at `here` times the ray of `there`."""
    row, column = np.divmod(there, self.width)
    a, b, c = self.normal[:, here]
    return a * self.x[column] + b * self.y[row] + c


def picture_edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Return the strength of edges and of corners in the picture.

  Gradients are Sobel's, of the blurred grey image in [0, 1], per 1/192 of its
  width. Edges: four times their length, without non-maximum suppression.
  Corners: twelve times the root of the structure tensor's smaller eigenvalue.

  Args:
    image: u8[H, W, 3].

  Returns:
    Edges and corners, f32[H, W] in [0, 1].

  Source:
    Corners: Shi and Tomasi, Good features to track, 1994. Taskonomy's key
    points are SURF responses instead.
  """
  unit = image.shape[1] / 192
  grey = np.einsum("hwc,c->hw", image, _GREY) * np.float32(unit / 255)
  dx, dy = filters.gradients(filters.gaussian(grey, max(0.6, unit / 2)))
  xx, yy, xy = filters.gaussian(
    np.stack([dx * dx, dy * dy, dx * dy]), max(0.7, 0.75 * unit)
  )
  smaller = (xx + yy) / 2 - np.sqrt(np.square((xx - yy) / 2) + xy * xy)
  corners = 12 * np.sqrt(np.maximum(smaller, 0))
  return np.clip(4 * np.hypot(dx, dy), 0, 1), np.clip(corners, 0, 1)
