import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.data.augment import geometry
from jtr_jax.tasks.base import Geometry

H, W = 12, 15
SCALES = (1.0, 1.2, 1.5)


def box(top=1, left=2, height=8, width=10, zoom=1.5):
  window = (jnp.int32(n) for n in (top, left, height, width))
  return geometry.Box(*window, jnp.float32(zoom))


def field(seed=0, channels=3):
  shape = (H, W, channels)
  return np.random.default_rng(seed).uniform(0.1, 1, shape).astype(np.float32)


def unit_normals(seed=0):
  normals = np.random.default_rng(seed).normal(size=(H, W, 3))
  normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
  return normals.astype(np.float32)


def label(value, valid=None, present=True):
  valid = np.ones((H, W), bool) if valid is None else valid
  return Label(jnp.asarray(value), jnp.asarray(valid), jnp.asarray(present))


def test_corners_of_the_window_become_corners_of_the_result():
  image = field()
  result = geometry.crop_resize(jnp.asarray(image), box())
  window = image[1:9, 2:12]
  for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
    np.testing.assert_array_equal(result[row, column], window[row, column])


def test_bilinear_reproduces_a_linear_ramp():
  rows, columns = np.mgrid[:H, :W].astype(np.float32)
  result = geometry.crop_resize(jnp.stack([rows, columns], -1), box())
  down = np.linspace(1, 8, H)[:, None] * np.ones(W)
  right = np.linspace(2, 11, W) * np.ones((H, 1))
  np.testing.assert_allclose(result[..., 0], down, rtol=1e-6)
  np.testing.assert_allclose(result[..., 1], right, rtol=1e-6)


def test_whole_window_changes_nothing():
  whole = box(0, 0, H, W, 1.0)
  image = jnp.asarray(field())
  np.testing.assert_array_equal(geometry.crop_resize(image, whole), image)
  np.testing.assert_array_equal(
    geometry.crop_resize_nearest(image, whole), image
  )


def test_one_pixel_window_is_constant():
  result = geometry.crop_resize(jnp.asarray(field()), box(3, 4, 1, 1))
  np.testing.assert_array_equal(
    result, np.broadcast_to(field()[3, 4], (H, W, 3))
  )


def test_nearest_picks_the_floor():
  value = np.arange(H * W).reshape(H, W)
  result = geometry.crop_resize_nearest(jnp.asarray(value), box())
  rows = 1 + np.floor(np.arange(H) * 8 / H).astype(int)
  columns = 2 + np.floor(np.arange(W) * 10 / W).astype(int)
  np.testing.assert_array_equal(result, value[rows][:, columns])


@pytest.mark.parametrize(
  ("kind", "switch", "factor"),
  [
    (Geometry.DEPTH, "multiply", 1 / 1.5),
    (Geometry.INVERSE_DEPTH, "multiply", 1.5),
    (Geometry.INVERSE_DEPTH, "official", 1 / 1.5),
  ],
)
def test_depths_follow_the_zoom(kind, switch, factor):
  depth = label(field(channels=1))
  picked = geometry.crop_resize_nearest(depth.value, box())
  result = geometry.crop_label(depth, box(), kind, inverse_depth_scale=switch)
  np.testing.assert_allclose(result.value, picked * factor, rtol=1e-6)


def test_depth_and_inverse_depth_stay_inverse_under_zoom():
  value = field(channels=1)
  depth = geometry.crop_label(label(value), box(), Geometry.DEPTH)
  inverse = geometry.crop_label(label(1 / value), box(), Geometry.INVERSE_DEPTH)
  np.testing.assert_allclose(depth.value * inverse.value, 1, rtol=1e-6)


def test_normals_stay_unit_where_valid():
  valid = np.random.default_rng(1).random((H, W)) > 0.2
  result = geometry.crop_label(
    label(unit_normals(), valid), box(), Geometry.NORMALS
  )
  length = np.linalg.norm(result.value, axis=-1)
  assert 0 < result.valid.sum() < H * W
  np.testing.assert_allclose(length[result.valid], 1, rtol=1e-6)
  np.testing.assert_array_equal(length[~np.asarray(result.valid)], 0)


def test_official_normals_blend_with_the_invalid_border():
  valid = np.ones((H, W), bool)
  valid[:, 7:] = False
  normals = label(np.broadcast_to(np.float32([0, 0, 1]), (H, W, 3)), valid)
  resized = geometry.crop_label(normals, box(), Geometry.NORMALS)
  official = geometry.crop_label(
    normals, box(), Geometry.NORMALS, normal_resize="official"
  )
  short = official.valid & (official.value[..., 2] < 0.99)
  assert short.any()
  assert not (resized.valid & short).any()
  np.testing.assert_array_equal(resized.value[resized.valid][:, 2], 1)


@pytest.mark.parametrize("kind", [Geometry.DENSE, Geometry.NORMALS])
def test_interpolated_pixel_is_valid_if_all_it_reads_is(kind):
  valid = np.ones((H, W), bool)
  valid[4, 5] = False
  result = geometry.crop_label(label(unit_normals(), valid), box(), kind)
  rows = np.abs(np.linspace(0, 7, H) + 1 - 4) < 1 - 1e-9
  columns = np.abs(np.linspace(0, 9, W) + 2 - 5) < 1 - 1e-9
  np.testing.assert_array_equal(
    result.valid, ~(rows[:, None] & columns[None, :])
  )


@pytest.mark.parametrize("kind", list(Geometry))
def test_invalid_and_hidden_values_do_not_matter(kind):
  valid = np.random.default_rng(2).random((H, W)) > 0.3
  clean, poison = unit_normals(), unit_normals()
  if kind is Geometry.CATEGORICAL:
    clean = np.random.default_rng(3).integers(0, 5, (H, W), np.int32)
    poison = np.where(valid, clean, 10**9)
  else:
    poison[~valid] = np.nan
  a = geometry.crop_label(label(clean, valid), box(), kind)
  b = geometry.crop_label(label(poison, valid), box(), kind)
  jax.tree.map(np.testing.assert_array_equal, a, b)
  hidden = geometry.crop_label(
    label(poison, ~valid, present=False), box(), kind
  )
  assert not hidden.valid.any()
  np.testing.assert_array_equal(hidden.value, 0)


@pytest.mark.parametrize("kind", list(Geometry))
def test_flip_twice_is_the_identity(kind):
  valid = np.random.default_rng(4).random((H, W)) > 0.3
  once = geometry.flip_label(label(unit_normals(), valid), kind)
  twice = geometry.flip_label(once, kind)
  jax.tree.map(
    np.testing.assert_array_equal, twice, label(unit_normals(), valid)
  )
  assert (once.valid != valid).any()


def test_flip_mirrors_normals():
  once = geometry.flip_label(label(unit_normals()), Geometry.NORMALS)
  np.testing.assert_array_equal(once.value[..., 0], -unit_normals()[:, ::-1, 0])
  np.testing.assert_array_equal(
    once.value[..., 1:], unit_normals()[:, ::-1, 1:]
  )


def test_drawn_boxes_are_the_released_ones():
  keys = jax.random.split(jax.random.key(0), 4000)
  draw = jax.jit(jax.vmap(lambda key: geometry.draw_box(key, 48, 64, SCALES)))
  drawn = jax.tree.map(np.asarray, draw(keys))
  shape = {1.0: (48, 64), 1.2: (40, 53), 1.5: (32, 42)}
  for zoom, (height, width) in shape.items():
    chosen = np.isclose(drawn.zoom, zoom)
    assert abs(chosen.mean() - 1 / 3) < 0.03
    assert set(drawn.height[chosen]) == {height}
    assert set(drawn.width[chosen]) == {width}
    assert set(drawn.top[chosen]) == set(range(48 - height + 1))
    assert set(drawn.left[chosen]) == set(range(64 - width + 1))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 5), (H, W)])
def test_cells_are_those_under_their_centres(shape):
  rows, columns = shape
  ids = np.arange(rows * columns, dtype=np.int32).reshape(shape)
  every = np.ones(shape, bool)
  result = geometry.crop_cells(label(ids, every), box(), (H, W))
  window = box()
  down = int(window.top) + (np.arange(rows) + 0.5) / rows * int(window.height)
  along = int(window.left) + (np.arange(columns) + 0.5) / columns * int(
    window.width
  )
  expected = ids[
    np.floor(down / H * rows).astype(int)[:, None],
    np.floor(along / W * columns).astype(int),
  ]
  np.testing.assert_array_equal(result.value, expected)
  assert result.valid.all()


def test_hidden_cells_do_not_matter():
  valid = np.array([[True, False], [True, True]])
  value = np.where(valid[..., None], 1.0, np.nan).astype(np.float32)
  result = geometry.crop_cells(label(value, valid), box(), (H, W))
  assert np.isfinite(result.value).all()
  hidden = geometry.crop_cells(
    label(value, valid, present=False), box(), (H, W)
  )
  assert not hidden.valid.any()
  np.testing.assert_array_equal(hidden.value, 0)
