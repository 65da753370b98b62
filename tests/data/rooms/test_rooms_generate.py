import subprocess
import sys

import numpy as np
import pytest

from jtr_jax.data.rooms import generate

SIZE = (48, 64)
IMAGES = {"edge_occlusion", "reshading", "keypoints2d", "edge_texture"}


@pytest.fixture(scope="module")
def rooms():
  return [generate.render_room(0, "train", i, SIZE) for i in range(40)]


def test_arrays_are_as_the_manifest_says(rooms):
  expected = {
    "image": ((*SIZE, 3), np.uint8),
    "segmentation": (SIZE, np.int8),
    "depth": ((*SIZE, 1), np.float32),
    "normals": ((*SIZE, 3), np.float16),
    **dict.fromkeys(IMAGES, ((*SIZE, 1), np.float16)),
  }
  assert set(generate.TASKS) | {"image"} == set(expected)
  for room in rooms[:5]:
    found = {k: (v.shape, v.dtype) for k, v in room.items()}
    assert found == expected


def test_dense_labels_are_finite_and_in_range(rooms):
  for name in IMAGES:
    values = np.stack([room[name] for room in rooms]).astype(np.float32)
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert values.max() <= 1
    assert values.max() > 0.3
    assert values.std() > 0.01


def test_normals_are_unit_and_face_the_camera(rooms):
  for index, room in enumerate(rooms):
    normal = room["normals"].astype(np.float32)
    valid = np.isfinite(room["depth"][..., 0])
    np.testing.assert_array_equal(np.isfinite(normal).all(-1), valid)
    np.testing.assert_array_equal(np.isnan(normal).all(-1), ~valid)
    length = np.linalg.norm(normal[valid], axis=-1)
    np.testing.assert_allclose(length, 1, atol=2e-3)
    scene = generate.layout.make_scene(generate._stream([0, 0, index], 0))
    x, y = scene.camera.rays(SIZE)
    towards = normal[..., 0] * x + normal[..., 1] * y[:, None] + normal[..., 2]
    assert towards[valid].max() < 1e-2


def test_classes_are_many_and_some_pixels_have_none(rooms):
  segmentation = np.stack([room["segmentation"] for room in rooms])
  assert segmentation.min() == -1
  assert segmentation.max() == len(generate.CLASSES) - 1
  for index, name in enumerate(generate.CLASSES):
    seen = (segmentation == index).any(axis=(1, 2)).sum()
    assert seen >= 4, f"{name} is seen in {seen} of {len(rooms)} rooms"
  assert 0.005 < (segmentation == -1).mean() < 0.12
  assert (segmentation == generate.CLASSES.index("wall")).mean() < 0.5


def test_depth_has_holes_and_a_rooms_range(rooms):
  depth = np.stack([room["depth"] for room in rooms])
  share = np.isnan(depth).mean(axis=(1, 2, 3))
  assert 0.03 < share.mean() < 0.15
  assert share.max() < 0.5
  assert np.nanmin(depth) > 0.3
  assert np.nanmax(depth) < 10
  assert 1.5 < np.nanmedian(depth) < 4


def test_colour_does_not_give_the_class(rooms):
  image = np.concatenate([r["image"][::4, ::4].reshape(-1, 3) for r in rooms])
  label = np.concatenate([r["segmentation"][::4, ::4].ravel() for r in rooms])
  half = len(label) // 2
  cell = image.astype(int) // 43 @ np.array([36, 6, 1])
  table = np.zeros((216, 13))
  known = label[:half] >= 0
  np.add.at(table, (cell[:half][known], label[:half][known]), 1)
  guess = table.argmax(axis=1)[cell[half:]]
  truth = label[half:]
  recall = [np.mean(guess[truth == c] == c) for c in range(13)]
  assert np.mean(recall) < 0.25


def test_same_number_same_room():
  one = generate.render_room(7, "val", 3, SIZE)
  two = generate.render_room(7, "val", 3, SIZE)
  for name in one:
    np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize(
  "other", [(8, "val", 3), (7, "train", 3), (7, "val", 4)]
)
def test_other_number_other_room(other):
  one = generate.render_room(7, "val", 3, SIZE)
  two = generate.render_room(*other, SIZE)
  assert np.mean(one["segmentation"] != two["segmentation"]) > 0.1
  assert np.nanmean(np.abs(one["depth"] - two["depth"])) > 0.1


def test_size_does_not_change_the_scene():
  small = generate.render_room(1, "train", 0, SIZE)
  large = generate.render_room(1, "train", 0, (3 * SIZE[0], 3 * SIZE[1]))
  large = {name: value[1::3, 1::3] for name, value in large.items()}
  same = small["segmentation"] == large["segmentation"]
  assert same.mean() > 0.999
  # A depth on another surface is allowed where classes may differ too.
  error = np.abs(small["depth"] / large["depth"] - 1)
  assert np.nanquantile(error, 0.999) < 1e-4
  gap = small["reshading"].astype(float) - large["reshading"]
  assert np.quantile(np.abs(gap), 0.999) < 2e-3
  grey = [room["image"].mean(-1).ravel() for room in (small, large)]
  assert np.corrcoef(*grey)[0, 1] > 0.9


def test_examples_come_in_order_whatever_the_workers():
  alone = list(generate.rooms_examples(2, "val", 5, (24, 32), workers=1))
  together = list(generate.rooms_examples(2, "val", 5, (24, 32), workers=2))
  names = [name for name, _ in alone]
  assert names == [f"val_{i:05d}" for i in range(5)]
  assert names == [name for name, _ in together]
  for (_, one), (_, two) in zip(alone, together, strict=True):
    for name in one:
      np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize(
  ("arguments", "words"),
  [
    ((0, "valid", 0, SIZE), "Did you mean 'val'"),
    ((-1, "val", 0, SIZE), "seed -1"),
    ((0, "val", -2, SIZE), "index -2"),
    ((0, "val", 0, (4, 64)), "at least 16"),
  ],
)
def test_bad_arguments_are_explained(arguments, words):
  with pytest.raises(ValueError, match=words):
    generate.render_room(*arguments)


def test_workers_need_no_jax():
  program = (
    "import sys, jtr_jax.data.rooms.generate;"
    "heavy = {'jax', 'flax', 'tensorflow_datasets'} & set(sys.modules);"
    "sys.exit(str(heavy) if heavy else 0)"
  )
  subprocess.run([sys.executable, "-c", program], check=True)
