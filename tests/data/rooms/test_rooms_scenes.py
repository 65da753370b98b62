import dataclasses

import numpy as np
import pytest

from jtr_jax.data.rooms import generate, layout, render, shapes, texture, trace
from jtr_jax.data.rooms.scene import (
  Camera,
  Kind,
  Light,
  Material,
  Scene,
  ball,
  box,
  cylinder,
  tilt,
  turn,
)

SIZE = (48, 64)
GREY = Material("plain", np.full((1, 3), 0.5))
ROOM = np.array([4.0, 3.0, 6.0])
EYE = np.array([2.0, 1.5, 1.0])


def stream(index):
  return np.random.Generator(np.random.Philox(index))


def hand_made(*parts, rotation=None):
  """A grey room seen along z, with one lamp at the ceiling."""
  rotation = np.eye(3) if rotation is None else rotation
  frame = np.diag([1.0, -1.0, 1.0]) @ rotation.T
  kinds = (Kind.WALL, Kind.WALL, Kind.FLOOR, Kind.CEILING, Kind.WALL, Kind.WALL)
  lamp = Light(
    np.array([2, 2.9, 4.5]), np.zeros(3), np.zeros(3), np.full(3, 4.0)
  )
  return Scene(
    ROOM,
    tuple((kind, GREY) for kind in kinds),
    parts,
    (lamp,),
    np.full(3, 0.05),
    Camera(EYE, frame, np.deg2rad(70)),
  )


def grid(camera, size=SIZE):
  x, y = camera.rays(size)
  return np.meshgrid(x.astype(float), y.astype(float))


def test_sphere_has_the_closed_form():
  radius, ahead = 0.5, 2.0
  part = ball(Kind.OBJECTS, GREY, (2.0, 1.5, 1.0 + ahead), (1, 1, 1))
  scene = hand_made(part)
  out = generate.render_scene(scene, stream(0), SIZE)
  x, y = grid(scene.camera)
  a, b, c = x * x + y * y + 1, ahead, ahead**2 - radius**2
  inside = b * b - a * c > 1e-3
  depth = (b - np.sqrt(np.maximum(b * b - a * c, 0))) / a
  normal = np.stack([x * depth, y * depth, depth - ahead], -1) / radius
  seen = inside & np.isfinite(out["depth"][..., 0])
  assert seen.sum() > 100
  assert np.all(out["segmentation"][inside] == Kind.OBJECTS)
  np.testing.assert_allclose(out["depth"][seen, 0], depth[seen], rtol=2e-5)
  np.testing.assert_allclose(out["normals"][seen], normal[seen], atol=2e-3)


def test_box_and_shell_have_the_closed_form():
  part = box(Kind.TABLE, GREY, (2.0, 1.5, 3.5), (1.0, 1.0, 1.0))
  scene = hand_made(part)
  out = generate.render_scene(scene, stream(0), SIZE)
  x, y = grid(scene.camera)
  front = (np.abs(x) < 0.24) & (np.abs(y) < 0.24)
  wall = np.minimum(np.minimum(5, 2 / np.abs(x)), 1.5 / np.abs(y))
  expected = np.where(front, 2.0, wall)
  known = np.isfinite(out["depth"][..., 0])
  known &= front | (np.maximum(np.abs(x), np.abs(y)) > 0.26)
  np.testing.assert_allclose(out["depth"][known, 0], expected[known], rtol=1e-5)
  facing = known & front
  np.testing.assert_array_equal(
    out["normals"][facing], np.tile([0, 0, -1], (facing.sum(), 1))
  )
  floor = known & (out["segmentation"] == Kind.FLOOR)
  assert floor.sum() > 100
  np.testing.assert_array_equal(
    out["normals"][floor], np.tile([0, -1, 0], (floor.sum(), 1))
  )


def test_contours_are_marked_and_creases_are_not():
  part = box(Kind.TABLE, GREY, (2.0, 1.5, 3.0), (1.0, 1.0, 0.2))
  scene = hand_made(part)
  size = (96, 128)
  edges = generate.render_scene(scene, stream(0), size)["edge_occlusion"]
  table = generate.render_scene(scene, stream(0), size)["segmentation"]
  table = table == Kind.TABLE
  border = table[:, 1:] != table[:, :-1]
  assert edges[:, 1:, 0][border].min() > 0.75
  empty = generate.render_scene(hand_made(
    box(Kind.TABLE, GREY, (2, 0.01, 0.5), (0.1, 0.01, 0.1))
  ), stream(0), size)["edge_occlusion"]  # fmt: skip
  assert empty.max() == 0


def test_projector_shadow_is_on_the_left():
  part = box(Kind.TABLE, GREY, (2.0, 1.5, 2.5), (0.8, 0.8, 0.1))
  scene = hand_made(part)
  solids = trace.solids(scene.parts)
  hits = trace.look(ROOM, solids, scene.camera, SIZE)
  holes = generate.render_scene(scene, stream(0), SIZE)["depth"]
  holes = np.isnan(holes[SIZE[0] // 2, :, 0])
  table = np.flatnonzero(hits.surface[SIZE[0] // 2] == trace.FACES)
  disparity = scene.camera.focal(SIZE) * 0.075 * (1 / 1.45 - 1 / 5)
  assert holes[table[0] - int(disparity) : table[0]].all()
  assert not holes[table[-1] + 1 : table[-1] + 4].any()


def test_things_cast_shadows():
  plate = box(Kind.TABLE, GREY, (2.0, 1.2, 4.5), (1.0, 0.05, 1.0))
  lit = generate.render_scene(hand_made(plate), stream(0), SIZE)["image"]
  through = dataclasses.replace(plate, shadow=False)
  bare = generate.render_scene(hand_made(through), stream(0), SIZE)["image"]
  scene = hand_made(plate)
  hits = trace.look(ROOM, trace.solids((plate,)), scene.camera, SIZE)
  x, _ = grid(scene.camera)
  z = hits.depth + EYE[2]
  # The lamp is 2.9 m high, the plate ends 0.5 m beside its foot.
  reach = 0.45 * 2.9 / 1.7
  below = (hits.surface == 2) & (np.abs(x * hits.depth) < reach)
  below &= np.abs(z - 4.5) < reach
  assert below.sum() > 20
  ratio = lit[below].mean() / bare[below].mean()
  assert ratio < 0.7


def test_shadow_rays_agree_with_asking_every_solid():
  scene = layout.make_scene(stream(5))
  solids = trace.solids(scene.parts)
  hits = trace.look(scene.room, solids, scene.camera, SIZE)
  point = render.surfaces(scene, hits).point[:, ::3]
  lamp = np.array([[scene.room[0] / 2], [scene.room[1] - 0.4], [2.0]])
  rng = np.random.default_rng(0)
  target = lamp + rng.uniform(-0.2, 0.2, point.shape)
  lit = trace.reached(solids, point, target.astype(np.float32), 0.35)
  clear = np.ones_like(lit)
  ray = target - point
  distance = np.linalg.norm(ray, axis=0)
  for p in np.flatnonzero(solids.shadow):
    origin = solids.to_unit[p] @ (point - solids.centre[p][:, None])
    near, far = shapes.interval(
      solids.shape[p], origin, solids.to_unit[p] @ (ray / distance),
      solids.taper[p],
    )  # fmt: skip
    near = np.maximum(near, 0)
    clear &= ~((near + 2e-3 < far) & (near < distance))
  assert 0.05 < lit.mean() < 0.98
  assert np.mean(lit != clear) < 2e-3


@pytest.mark.parametrize("index", range(3))
def test_small_views_agree_with_large_ones(index):
  scene = layout.make_scene(stream(index))
  solids = trace.solids(scene.parts)
  one = trace.look(scene.room, solids, scene.camera, SIZE)
  two = trace.look(scene.room, solids, scene.camera, SIZE, tiny=True)
  assert np.mean(one.surface != two.surface) < 1e-3
  np.testing.assert_allclose(one.depth, two.depth, rtol=1e-4)


@pytest.mark.parametrize("index", range(4))
def test_back_projected_depth_lies_on_the_surfaces(index):
  scene = layout.make_scene(stream(index))
  hits = trace.look(scene.room, trace.solids(scene.parts), scene.camera, SIZE)
  x, y = grid(scene.camera)
  rays = np.stack([x, y, np.ones_like(x)], -1) @ scene.camera.frame
  points = rays * hits.depth[..., None] + scene.camera.position
  for face in range(trace.FACES):
    axis, end = divmod(face, 2)
    on = points[hits.surface == face][:, axis]
    np.testing.assert_allclose(on, end * scene.room[axis], atol=1e-4)
  for k in np.unique(hits.surface[hits.surface >= trace.FACES]):
    part = scene.parts[k - trace.FACES]
    at = (points[hits.surface == k] - part.centre) @ part.frame.T / part.half
    if part.shape == shapes.Shape.BOX:
      level = np.abs(at).max(axis=1)
    elif part.shape == shapes.Shape.ELLIPSOID:
      level = np.linalg.norm(at, axis=1)
    else:
      side = np.hypot(at[:, 0], at[:, 2]) / (1 + part.taper * at[:, 1])
      level = np.maximum(side, np.abs(at[:, 1]))
    # One in the frame of a thin part is a millimetre in the room.
    slack = 1e-5 + 5e-5 / part.half.min()
    np.testing.assert_allclose(level, 1, atol=min(slack, 0.05))


@pytest.mark.parametrize("index", range(4))
def test_normals_agree_with_the_slope_of_the_depth(index):
  scene = layout.make_scene(stream(10 + index))
  size = (96, 128)
  hits = trace.look(scene.room, trace.solids(scene.parts), scene.camera, size)
  out = generate.render_scene(scene, stream(0), size)
  x, y = grid(scene.camera, size)
  points = np.stack([x, y, np.ones_like(x)], -1) * hits.depth[..., None]
  across, down = points[:-1, 1:] - points[:-1, :-1], points[1:, :-1]
  slope = np.cross(down - points[:-1, :-1], across)
  slope /= np.linalg.norm(slope, axis=-1, keepdims=True)
  normal = out["normals"][:-1, :-1].astype(float)
  s = hits.surface
  flat = (s[:-1, :-1] == s[1:, :-1]) & (s[:-1, :-1] == s[:-1, 1:])
  flat &= (s[:-1, :-1] < trace.FACES) & np.isfinite(normal[..., 0])
  assert flat.mean() > 0.15
  cosine = (slope * normal).sum(-1)[flat]
  assert cosine.min() > 0.999


def test_turned_parts_and_cameras_agree():
  angle = 0.4
  rotation = turn(angle) @ tilt(0.1)
  ahead = rotation @ np.array([0, 0, 2.0])
  parts = [
    maker(Kind.CHAIR, GREY, tuple(EYE + ahead), (0.6, 0.8, 0.4), rotation)
    for maker in (box, cylinder, ball)
  ]
  straight = [
    maker(Kind.CHAIR, GREY, (2.0, 1.5, 3.0), (0.6, 0.8, 0.4))
    for maker in (box, cylinder, ball)
  ]
  for part, plain in zip(parts, straight, strict=True):
    one = generate.render_scene(
      hand_made(part, rotation=rotation), stream(0), SIZE
    )
    two = generate.render_scene(hand_made(plain), stream(0), SIZE)
    chair = one["segmentation"] == Kind.CHAIR
    np.testing.assert_array_equal(chair, two["segmentation"] == Kind.CHAIR)
    chair &= np.isfinite(one["depth"][..., 0] + two["depth"][..., 0])
    np.testing.assert_allclose(
      one["depth"][chair], two["depth"][chair], rtol=1e-4
    )
    np.testing.assert_allclose(
      one["normals"][chair], two["normals"][chair], atol=3e-3
    )


def test_unknown_pattern_is_named():
  cloth = dataclasses.replace(GREY, pattern="palin")
  here = np.zeros(1, np.float32)
  with pytest.raises(ValueError, match="plain"):
    texture.reflectance(cloth, here, here, here)
