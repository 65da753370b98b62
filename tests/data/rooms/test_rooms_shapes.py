import numpy as np
import pytest

from jtr_jax.data.rooms import shapes
from jtr_jax.data.rooms.shapes import Shape

CASES = [
  (Shape.BOX, 0.0),
  (Shape.ELLIPSOID, 0.0),
  (Shape.FRUSTUM, 0.0),
  (Shape.FRUSTUM, 0.6),
  (Shape.FRUSTUM, -0.9),
]


def level(shape, point, taper):
  """Below 0 inside the unit shape, above 0 outside."""
  x, y, z = point
  if shape == Shape.BOX:
    return np.abs(point).max(axis=0) - 1
  if shape == Shape.ELLIPSOID:
    return (point**2).sum(axis=0) - 1
  return np.maximum(np.abs(y) - 1, np.hypot(x, z) - (1 + taper * y))


def random_rays(count=4000):
  rng = np.random.default_rng(3)
  origin = rng.uniform(-4, 4, (3, count))
  aim = rng.uniform(-1.2, 1.2, (3, count))
  direction = (aim - origin) * rng.uniform(0.3, 2, count)
  return origin.astype(np.float32), direction.astype(np.float32)


@pytest.mark.parametrize(("shape", "taper"), CASES)
def test_interval_is_where_the_ray_is_inside(shape, taper):
  origin, direction = random_rays()
  near, far = shapes.interval(shape, origin, direction, taper)
  hit = near < far
  assert 0.2 < hit.mean() < 0.99
  o, d = origin.astype(np.float64), direction.astype(np.float64)
  t = np.linspace(-10, 10, 1501)[:, None]
  inside = level(shape, o[:, None] + d[:, None] * t[:, :], taper) < -1e-3
  assert not np.any(inside & ~((t > near - 1e-3) & (t < far + 1e-3)))
  middle = (near[hit] + far[hit]) / 2
  assert np.all(level(shape, o[:, hit] + d[:, hit] * middle, taper) < 1e-3)
  for end in (near, far):
    at = o[:, hit] + d[:, hit] * end[hit]
    np.testing.assert_allclose(level(shape, at, taper), 0, atol=3e-3)


@pytest.mark.parametrize("shape", list(Shape))
def test_axis_parallel_rays(shape):
  origin = np.array([[0, 2], [0, 0], [-3, -3]], np.float32)
  direction = np.array([[0, 0], [0, 0], [1, 1]], np.float32)
  near, far = shapes.interval(shape, origin, direction)
  np.testing.assert_allclose((near[0], far[0]), (2, 4), rtol=1e-6)
  assert near[1] > far[1]


@pytest.mark.parametrize(("shape", "taper"), CASES)
def test_normals_are_gradients_of_the_surface(shape, taper):
  origin, direction = random_rays()
  near, far = shapes.interval(shape, origin, direction, taper)
  hit = near < far
  point = (origin + direction * near)[:, hit].astype(np.float64)
  half = np.array([0.5, 1.5, 0.7])
  normal, uv = shapes.normal_and_map(shape, point, half, taper)
  step = 1e-3 * normal / np.linalg.norm(normal, axis=0)
  assert np.mean(level(shape, point + step, taper) > 0) > 0.99
  assert np.mean(level(shape, point - step, taper) < 0) > 0.99
  assert np.all((normal * direction[:, hit]).sum(axis=0) < 1e-3)
  assert np.isfinite(uv).all()
