import numpy as np
import pytest

from jtr_jax.data.datasets.normals_from_depth import (
  Camera,
  PlaneFit,
  normals_from_depth,
)

CAMERA = Camera(fx=500.0, fy=550.0, cx=30.5, cy=-100.0)
ROWS, COLUMNS = np.arange(48), np.arange(64)


def depth_of_plane(normal, distance, camera=CAMERA, size=(48, 64)):
  """The depth at which the ray of every pixel meets n . P = distance."""
  v, u = np.meshgrid(*map(np.arange, size), indexing="ij")
  rays = np.stack(
    [(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(size)],
    axis=-1,
  )
  depth = distance / (rays @ normal)
  return np.where((depth > 0) & (depth < 20), depth, np.nan), rays


def unit(*vector):
  return np.array(vector) / np.linalg.norm(vector)


def compute(depth, camera=CAMERA, **kwargs):
  return normals_from_depth(
    depth, camera, **{"rows": ROWS, "columns": COLUMNS, **kwargs}
  )


@pytest.mark.parametrize(
  "normal",
  [unit(0, 0, -1), unit(0, -1, 0), unit(0.6, -0.3, -0.7), unit(-1, 0.2, -0.4)],
)
def test_a_plane_has_its_normal(normal):
  depth, rays = depth_of_plane(normal, -1.5)
  found = compute(depth)
  known = np.isfinite(found).all(-1)
  assert known.sum() > 0.9 * np.isfinite(depth).sum() > 0
  assert not known[~np.isfinite(depth)].any()
  np.testing.assert_allclose(
    found[known], np.broadcast_to(normal, found[known].shape), atol=1e-6
  )
  assert ((found * rays).sum(-1)[known] < 0).all()  # towards the camera


def test_the_window_may_be_small():
  normal = unit(0.2, 0.5, -0.8)
  depth, _ = depth_of_plane(normal, -2.0)
  found = compute(depth, fit=PlaneFit(radius=1, step=1))
  np.testing.assert_allclose(found[5, 7], normal, atol=1e-6)


def test_surfaces_do_not_mix_at_a_jump():
  left, right = unit(0, 0, -1), unit(0.3, 0, -0.9)
  depth, _ = depth_of_plane(left, -2.0)
  far, _ = depth_of_plane(right, -3.0)
  depth[:, 32:] = far[:, 32:]
  found = compute(depth)
  expected = np.where((COLUMNS < 32)[:, None], left, right)
  np.testing.assert_allclose(
    found, np.broadcast_to(expected, found.shape), atol=1e-6
  )


def test_unknown_where_too_little_is_known():
  depth, _ = depth_of_plane(unit(0, 0, -1), -2.0)
  depth[10:40, 10:40] = np.nan
  depth[25, 25] = 2.0  # alone
  depth[:, 60] = 2.5  # a line: its plane is undetermined
  small = PlaneFit(radius=1, step=1)
  assert np.isnan(compute(depth, fit=small)[:, 60]).all()
  found = compute(depth)
  assert np.isnan(found[25, 25]).all()
  assert np.isnan(found[15, 15]).all()
  assert np.isnan(found[:, 60]).all()
  np.testing.assert_allclose(found[9, 20], [0, 0, -1], atol=1e-6)


def test_the_pixel_itself_counts_like_its_neighbours():
  normal = unit(0.6, -0.3, -0.7)
  camera = CAMERA._replace(fx=5000.0, fy=5000.0)
  depth, _ = depth_of_plane(normal, -2.0, camera)
  depth[20, 30] *= 1.03
  np.testing.assert_allclose(compute(depth, camera)[20, 30], normal, atol=2e-3)


def test_noise_of_disparity_averages_out():
  normal = unit(0.4, -0.2, -0.9)
  depth, _ = depth_of_plane(normal, -2.0)
  rng = np.random.default_rng(0)
  noisy = 1 / (1 / depth + rng.normal(0, 1e-4, depth.shape))
  cosine = compute(noisy) @ normal
  assert np.degrees(np.arccos(cosine.mean())) < 3
  small = compute(noisy, fit=PlaneFit(radius=1, step=1)) @ normal
  assert np.nanmean(small) < cosine.mean()


def test_crop_and_resize_keep_the_rays():
  normal = unit(0.4, -0.2, -0.9)
  camera = CAMERA.crop(8, 4).resize((40, 60), (80, 30))
  assert camera.fx == CAMERA.fx / 2
  assert camera.fy == CAMERA.fy * 2
  depth, _ = depth_of_plane(normal, -2.0, camera, (80, 30))
  found = compute(depth, camera, rows=np.arange(80), columns=np.arange(30))
  np.testing.assert_allclose(found[40, 15], normal, atol=1e-6)
  # The first pixel of the crop, seen as two rows and half a column.
  y = (0.5 - camera.cy) / camera.fy, (8 - CAMERA.cy) / CAMERA.fy
  x = (-0.25 - camera.cx) / camera.fx, (4 - CAMERA.cx) / CAMERA.fx
  np.testing.assert_allclose([y[0], x[0]], [y[1], x[1]])


def test_rows_and_columns_choose_pixels():
  depth, _ = depth_of_plane(unit(0.4, -0.2, -0.9), -2.0)
  depth += 0.01 * np.sin(np.arange(64) / 5)
  rows, columns = np.array([3, 20, 47]), np.array([0, 31])
  found = compute(depth, rows=rows, columns=columns)
  np.testing.assert_array_equal(found, compute(depth)[np.ix_(rows, columns)])
