import os

import numpy as np
import pytest
from PIL import Image

from jtr_jax.data import contents, files, folder, folder_tasks, prepare, records

TASKS = """
[segmentation]
kind = "segmentation"
classes = ["road", "sky", "car"]
ignore = 255

[depth]
kind = "depth"
scale = 0.001

[normals]
kind = "normals"

[edge_texture]
kind = "regression"
scale = 0.00392156862745098
"""
SIZE = (6, 8)


def save(path, array, **options):
  path.parent.mkdir(parents=True, exist_ok=True)
  if path.suffix == ".npy":
    np.save(path, array)
  else:
    Image.fromarray(array).save(path, **options)


def save_palette(path, ids):
  picture = Image.fromarray(ids)
  picture.putpalette([c for i in range(256) for c in (i, 255 - i, 7)])
  path.parent.mkdir(parents=True, exist_ok=True)
  picture.save(path)


def photo(seed, size=SIZE):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (*size, 3), dtype=np.uint8)


ids = np.array([[0, 1, 2, 255, 0, 1, 2, 255]] * 6, np.uint8)
millimetres = np.arange(48, dtype=np.uint16).reshape(SIZE) * 100
unit = np.zeros((*SIZE, 3), np.float64)
unit[..., 2] = -1
unit[0] = 0
edges = 5 * np.arange(48, dtype=np.uint8).reshape(SIZE)


@pytest.fixture
def root(tmp_path):
  root = tmp_path / "mine"
  for split, names in (("train", "abc"), ("val", "d")):
    for seed, name in enumerate(names):
      save(root / split / "image" / f"{name}.png", photo(seed))
  save(root / "train" / "segmentation" / "a.png", ids)
  save_palette(root / "train" / "segmentation" / "b.png", ids)
  save(root / "val" / "segmentation" / "d.npy", ids.astype(np.int64))
  save(root / "train" / "depth" / "a.png", millimetres)
  save(root / "train" / "depth" / "c.npy", millimetres.astype(np.float64))
  save(root / "val" / "depth" / "d.tif", millimetres.astype(np.int32))
  save(root / "train" / "normals" / "a.npy", unit)
  coded = np.round((unit + 1) * 127.5).astype(np.uint8)
  save(root / "train" / "normals" / "b.png", coded)
  save(root / "train" / "edge_texture" / "a.png", edges)
  save(root / "train" / "edge_texture" / "b.npy", edges[..., None])
  (root / "tasks.toml").write_text(TASKS)
  return root


def read_all(root, size=SIZE):
  listed = folder.scan(root)
  return {
    identifier: arrays
    for split in listed.splits
    for identifier, arrays in folder.examples(listed, split, size)
  }


def test_every_file_format_gives_the_same_labels(root):
  read = read_all(root)
  classes = np.where(ids == 255, -1, ids.astype(np.int8)).astype(np.int8)
  metres = millimetres[..., None].astype(np.float32) * np.float32(0.001)
  metres[metres == 0] = np.nan
  for name in "abd":
    np.testing.assert_array_equal(read[name]["segmentation"], classes)
    assert read[name]["segmentation"].dtype == np.int8
  for name in "acd":
    np.testing.assert_array_equal(read[name]["depth"], metres)
    assert read[name]["depth"].dtype == np.float32
  for name, tolerance in (("a", 0), ("b", 0.01)):
    normals = read[name]["normals"]
    assert normals.dtype == np.float16
    assert np.isnan(normals[0]).all()
    np.testing.assert_allclose(normals[1:], unit[1:], atol=tolerance)
  for name in "ab":
    expected = (edges / 255)[..., None].astype(np.float16)
    np.testing.assert_array_equal(read[name]["edge_texture"], expected)
  np.testing.assert_array_equal(read["c"]["image"], photo(2))


def test_a_missing_file_is_a_missing_label(root):
  read = read_all(root)
  missing = {
    name: {task for task, label in arrays.items() if label is None}
    for name, arrays in read.items()
  }
  assert missing == {
    "a": set(),
    "b": {"depth"},
    "c": {"segmentation", "normals", "edge_texture"},
    "d": {"normals", "edge_texture"},
  }


def test_prepared_folder_opens_and_verifies(root, tmp_path):
  dataset = prepare.prepare_folder(tmp_path / "out", raw=root)
  assert dataset.manifest.size == SIZE
  assert dataset.manifest.split("train").ids == ("a", "b", "c")
  assert dataset.manifest.tasks["segmentation"]["classes"][2] == "car"
  assert dataset.manifest.tasks["depth"]["unit"] == "m"
  assert contents.find_problems(dataset.directory) == []
  assert contents.find_problems(root) == []


@pytest.mark.parametrize(
  ("array", "expected"),
  [
    (np.full((2, 2), 65535, np.uint16), 255),
    (np.full((2, 2, 3), 0.5, np.float32), 128),
    (np.full((2, 2, 3), 7, np.uint8), 7),
  ],
)
def test_images_in_npy(tmp_path, array, expected):
  save(tmp_path / "x.npy", array)
  image = files.read_image(tmp_path / "x.npy")
  assert image.dtype == np.uint8
  np.testing.assert_array_equal(image, np.full((2, 2, 3), expected))


def test_grey_palette_and_transparent_images(tmp_path):
  save(tmp_path / "grey.png", edges)
  save(tmp_path / "alpha.png", np.full((2, 2, 4), 9, np.uint8))
  save_palette(tmp_path / "palette.png", edges)
  grey = files.read_image(tmp_path / "grey.png")
  np.testing.assert_array_equal(grey, np.repeat(edges[..., None], 3, -1))
  assert files.read_image(tmp_path / "alpha.png").shape == (2, 2, 3)
  palette = files.read_image(tmp_path / "palette.png")
  np.testing.assert_array_equal(palette[1, 0], [40, 215, 7])


def test_different_sizes_need_a_size_and_are_resized(root, tmp_path):
  save(root / "train" / "image" / "c.png", photo(2, (12, 16)))
  big = np.kron(millimetres, np.ones((2, 2), np.uint16))
  save(root / "train" / "depth" / "c.npy", big)
  with pytest.raises(ValueError, match=r"a\.png 6x8.*c\.png 12x16.*--size=6x8"):
    prepare.prepare_folder(tmp_path / "out", raw=root)
  read = read_all(root)
  np.testing.assert_array_equal(read["c"]["depth"], read["a"]["depth"])
  assert read["c"]["image"].shape == (*SIZE, 3)
  halved = read_all(root, (3, 4))["a"]["segmentation"]
  np.testing.assert_array_equal(halved, [[1, -1, 1, -1]] * 3)


def truncated_png(root):
  path = root / "train" / "depth" / "a.png"
  path.write_bytes(path.read_bytes()[:60])


def truncated_npy(root):
  path = root / "train" / "depth" / "c.npy"
  path.write_bytes(path.read_bytes()[:-9])


def pickled_npy(root):
  np.save(root / "train" / "depth" / "c.npy", np.array([{}], object))


def empty_image(root):
  (root / "train" / "image" / "b.png").write_bytes(b"")


def other_size(root):
  save(root / "train" / "segmentation" / "b.png", ids[:3])


def class_out_of_range(root):
  save(root / "train" / "segmentation" / "a.png", np.where(ids == 2, 3, ids))


def blended_classes(root):
  save(root / "train" / "segmentation" / "a.png", ids)
  os.remove(root / "train" / "segmentation" / "a.png")
  save(root / "train" / "segmentation" / "a.npy", ids * 0.5)


def coloured_classes(root):
  save(root / "train" / "segmentation" / "a.png", photo(0))


def label_without_image(root):
  save(root / "val" / "depth" / "z.png", millimetres)


def two_files(root):
  save(root / "train" / "depth" / "a.npy", millimetres)


def no_training_labels(root):
  for path in (root / "train" / "normals").iterdir():
    path.unlink()


def unscaled_depth(root):
  text = (root / "tasks.toml").read_text().replace("scale = 0.001", "")
  (root / "tasks.toml").write_text(text)


def negative_depth(root):
  save(root / "train" / "depth" / "c.npy", millimetres * -1.0)


def shifted_normals(root):
  save(root / "train" / "normals" / "a.npy", np.full((*SIZE, 3), 0.9))


def huge_edges(root):
  save(root / "train" / "edge_texture" / "b.npy", edges * 1e9)


def turned_photo(root):
  exif = Image.Exif()
  exif[0x0112] = 6
  save(root / "train" / "image" / "c.png", photo(2), exif=exif)


def no_validation_split(root):
  (root / "val").rename(root / "test")


BROKEN = [
  (truncated_png, r"depth/a\.png cannot be read"),
  (truncated_npy, r"depth/c\.npy cannot be read"),
  (pickled_npy, r"depth/c\.npy cannot be read.*allow_pickle"),
  (empty_image, r"image/b\.png cannot be read"),
  (other_size, r"segmentation/b\.png has another size.*3x8.*6x8"),
  (class_out_of_range, r"segmentation/a\.png.*class id 3 \(12 pixels"),
  (blended_classes, r"segmentation/a\.npy.*fractions"),
  (coloured_classes, r"segmentation/a\.png.*3 channels"),
  (label_without_image, r"val/depth/z\.png without an image"),
  (two_files, r"depth/a\.npy and .*depth/a\.png"),
  (no_training_labels, r"training labels for task 'normals'"),
  (unscaled_depth, r"depth/a\.png.*looks like millimetres.*scale=0\.001"),
  (negative_depth, r"depth/c\.npy.*negative values"),
  (shifted_normals, r"normals/a\.npy.*length 1\.56"),
  (huge_edges, r"edge_texture/b\.npy.*at most 65504"),
  (turned_photo, r"image/c\.png.*EXIF"),
  (no_validation_split, r"no .*val/image"),
]


@pytest.mark.parametrize(
  ("spoil", "text"), BROKEN, ids=[f.__name__ for f, _ in BROKEN]
)
def test_broken_data_is_named(root, tmp_path, spoil, text):
  spoil(root)
  with pytest.raises(ValueError, match=text):
    prepare.prepare_folder(tmp_path / "out", raw=root)
  assert not (tmp_path / "out").exists()


def test_verify_names_every_broken_file(root):
  truncated_png(root)
  other_size(root)
  label_without_image(root)
  shifted_normals(root)
  problems = contents.find_problems(root)
  names = ("depth/a.png", "segmentation/b.png", "depth/z.png", "normals/a.npy")
  assert len(problems) == len(names)
  for name in names:
    assert sum(name in problem for problem in problems) >= 1


def test_deep_colour_png_is_refused_not_halved(tmp_path):
  header = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
  path = tmp_path / "x.png"
  path.write_bytes(header + bytes([0, 0, 0, 1, 0, 0, 0, 1, 16, 2]))
  with pytest.raises(ValueError, match="16 bits a colour"):
    files.read_label(path)


def test_without_description_the_error_proposes_one_that_works(root, tmp_path):
  (root / "tasks.toml").unlink()
  with pytest.raises(ValueError, match=r"tasks\.toml is missing") as error:
    folder.scan(root)
  proposal = str(error.value).split(":\n\n", 1)[1]
  path = tmp_path / "proposed.toml"
  path.write_text(proposal)
  tasks = folder_tasks.read_tasks(path)
  assert {name: task.kind for name, task in tasks.items()} == {
    "segmentation": "segmentation",
    "depth": "depth",
    "normals": "normals",
    "edge_texture": "regression",
  }
  assert tasks["segmentation"].ignore == (255,)
  assert len(tasks["segmentation"].classes) == 3
  assert tasks["depth"].scale == 0.001
  (root / "classes.json").write_text('{"classes": ["road", "sky", "car"]}')
  assert 'classes = ["road", "sky", "car"]' in folder.propose(root)


@pytest.mark.parametrize(
  ("toml", "text"),
  [
    ("[depth]\nkind = 'detph'", "Did you mean 'depth'"),
    ("[depth]\nkind = 'depth'\nscael = 1", "Did you mean 'scale'"),
    ("[depth]\nkind = 'depth'\nscale = '1'", "scale = '1'.*a number"),
    ("[s]\nkind = 'segmentation'", "classes = None"),
    ("[s]\nkind = 'segmentation'\nclasses = 2\nignore = 'x'", "ignore = 'x'"),
    ("depth = 1", r"a table \[depth\]"),
    ("[depth", "cannot be read"),
    ("", "no task"),
  ],
)
def test_a_wrong_description_names_the_field(tmp_path, toml, text):
  path = tmp_path / "tasks.toml"
  path.write_text(toml)
  with pytest.raises(ValueError, match=rf"tasks\.toml.*{text}|{text}"):
    folder_tasks.read_tasks(path)


def test_ensure_prepared_prepares_once_and_notices_changes(root, tmp_path):
  out = tmp_path / "out"
  first = prepare.ensure_prepared("folder", out, raw=root)
  stamp = (out / "manifest.json").stat().st_mtime_ns
  again = prepare.ensure_prepared("folder", out, raw=root, size=SIZE)
  assert (out / "manifest.json").stat().st_mtime_ns == stamp
  assert again.manifest.source == first.manifest.source
  with pytest.raises(
    ValueError, match=r"size \[6, 8\]. Expected: size \[3, 4\]"
  ):
    prepare.ensure_prepared("folder", out, raw=root, size=(3, 4))
  with pytest.raises(
    ValueError, match=r"name 'folder'. Expected: name 'rooms'"
  ):
    prepare.ensure_prepared("rooms", out)
  with pytest.raises(ValueError, match="Did you mean 'size'"):
    prepare.ensure_prepared("rooms", out, sise=1)
  save(root / "train" / "depth" / "b.png", millimetres)
  with pytest.raises(ValueError, match=r"fingerprint.*--overwrite"):
    prepare.ensure_prepared("folder", out, raw=root)


def test_prepared_without_raw_needs_no_raw(root, tmp_path):
  prepare.prepare_folder(tmp_path / "out", raw=root)
  root.rename(tmp_path / "moved")
  dataset = prepare.ensure_prepared("folder", tmp_path / "out", raw=root)
  assert isinstance(dataset, records.Dataset)
