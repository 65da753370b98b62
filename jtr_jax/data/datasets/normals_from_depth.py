"""Surface normals of a depth map, by a plane fit around every pixel.

A plane n . P = d seen through a pinhole has an inverse depth that is affine in
the pixel coordinates, 1/z = (n_x x + n_y y + n_z)/d with x = (u - c_x)/f_x and
y = (v - c_y)/f_y. So a least-squares fit of 1/z gives the plane. Depth cameras
measure disparity, so their noise is even in 1/z, which is what least squares
assumes.

Camera frame: x to the right, y down, z forward. Normals face the camera: the
wall straight ahead has (0, 0, -1), the floor (0, -1, 0).
"""

from typing import NamedTuple

import numpy as np


class Camera(NamedTuple):
  """A pinhole, in pixels; the top left pixel has its centre at (0, 0)."""

  fx: float
  fy: float
  cx: float
  cy: float

  def crop(self, top: int, left: int) -> "Camera":
    """Return the camera of an image without its first rows and columns."""
    return self._replace(cx=self.cx - left, cy=self.cy - top)

  def resize(self, size: tuple[int, int], new: tuple[int, int]) -> "Camera":
    """Return the camera of an image resized from (H, W) to another (H, W)."""
    y, x = new[0] / size[0], new[1] / size[1]
    return Camera(
      self.fx * x,
      self.fy * y,
      (self.cx + 0.5) * x - 0.5,
      (self.cy + 0.5) * y - 0.5,
    )


class PlaneFit(NamedTuple):
  """Which neighbours take part in a plane fit.

  Attributes:
    radius: reach of the window to each side, pixels.
    step: distance of the sampled neighbours, pixels.
    jump: a neighbour of which 1/z differs by more than this fraction lies on
      another surface and is left out.
    support: fraction of the window's neighbours that must remain.
  """

  radius: int = 9
  step: int = 3
  jump: float = 0.05
  support: float = 0.25


DEFAULT_FIT = PlaneFit()


def normals_from_depth(
  depth: np.ndarray,
  camera: Camera,
  *,
  rows: np.ndarray,
  columns: np.ndarray,
  fit: PlaneFit = DEFAULT_FIT,
) -> np.ndarray:
  """Return unit normals at some rows and columns of a depth map.

  Args:
    depth: f[H, W], metres along z; NaN where unknown.
    camera: of this depth map.
    rows: i[h], rows to compute.
    columns: i[w], columns to compute.
    fit: the window.

  Returns:
    f32[h, w, 3]; NaN where the depth is unknown or too few neighbours lie on
    one surface with the pixel.

  Source: window and threshold as in the NYU Depth V2 toolbox
    (compute_surface_normals: 9 px, 5 %).
  Deviations: fits 1/z instead of the points, and takes every third pixel.
  """
  inverse = np.pad(1 / depth.astype(np.float64), fit.radius, mode="edge")
  known = np.pad(np.isfinite(depth), fit.radius)
  centre = inverse[np.ix_(rows + fit.radius, columns + fit.radius)]
  shifts = range(-fit.radius, fit.radius + 1, fit.step)
  sums = np.zeros((9, *centre.shape))
  for dv in shifts:
    for du in shifts:
      place = np.ix_(rows + fit.radius + dv, columns + fit.radius + du)
      rise = inverse[place] - centre
      near = known[place] & (np.abs(rise) <= fit.jump * centre)
      weight = near.astype(np.float64)
      rise = np.where(near, rise, 0)
      terms = (1, du, dv, du * du, du * dv, dv * dv)
      for k, term in enumerate(terms):
        if term:
          sums[k] += term * weight
      sums[6] += rise
      if du:
        sums[7] += du * rise
      if dv:
        sums[8] += dv * rise
  offset, slope_u, slope_v = _solve(sums, fit.support * len(shifts) ** 2)
  x = (columns[None, :] - camera.cx) / camera.fx
  y = (rows[:, None] - camera.cy) / camera.fy
  a, b = slope_u * camera.fx, slope_v * camera.fy
  normals = -np.stack([a, b, centre + offset - a * x - b * y], axis=-1)
  length = np.linalg.norm(normals, axis=-1, keepdims=True)
  return (normals / length).astype(np.float32)


def _solve(sums: np.ndarray, least: float) -> np.ndarray:
  """Return f64[3, h, w]: 1/z beside that of the pixel, its slopes in u and v.

  Args:
    sums: f64[9, h, w], over the neighbours: 1, u, v, uu, uv, vv, r, ur, vr with
      r the difference of 1/z from the pixel's.
    least: the smallest number of neighbours.
  """
  count = np.where(sums[0] >= least, sums[0], np.nan)
  u, v, uu, uv, vv, r, ur, vr = sums[1:] / count
  uu, uv, vv = uu - u * u, uv - u * v, vv - v * v
  ur, vr = ur - u * r, vr - v * r
  determinant = uu * vv - uv * uv
  # Neighbours on one line leave the plane undetermined.
  determinant = np.where(determinant > 0.05 * uu * vv, determinant, np.nan)
  slope_u = (vv * ur - uv * vr) / determinant
  slope_v = (uu * vr - uv * ur) / determinant
  return np.stack([r - slope_u * u - slope_v * v, slope_u, slope_v])
