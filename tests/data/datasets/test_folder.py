import numpy as np
import pytest

from jtr_jax.data.datasets import folder, image_files, prepare, raw
from jtr_jax.data.inspect import verification
from jtr_jax.data.records.prepared import Dataset
from tests.data.datasets.own_folder import (
  SIZE,
  edges,
  ids,
  millimetres,
  photo,
  save,
  save_palette,
  unit,
)


def read_all(root, size=SIZE):
  listed = folder.scan(root)
  return {
    identifier: arrays
    for split in listed.splits
    for identifier, arrays in raw.examples(listed, split, size)
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
  dataset = prepare.PREPARERS["folder"].prepare(tmp_path / "out", raw=root)
  assert dataset.manifest.size == SIZE
  assert dataset.manifest.split("train").ids == ("a", "b", "c")
  assert dataset.manifest.tasks["segmentation"]["classes"][2] == "car"
  assert dataset.manifest.tasks["depth"]["unit"] == "m"
  assert verification.verify(dataset.directory).problems == []
  assert verification.verify(root).problems == []


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
  image = image_files.read_image(tmp_path / "x.npy")
  assert image.dtype == np.uint8
  np.testing.assert_array_equal(image, np.full((2, 2, 3), expected))


def test_grey_palette_and_transparent_images(tmp_path):
  save(tmp_path / "grey.png", edges)
  save(tmp_path / "alpha.png", np.full((2, 2, 4), 9, np.uint8))
  save_palette(tmp_path / "palette.png", edges)
  grey = image_files.read_image(tmp_path / "grey.png")
  np.testing.assert_array_equal(grey, np.repeat(edges[..., None], 3, -1))
  assert image_files.read_image(tmp_path / "alpha.png").shape == (2, 2, 3)
  palette = image_files.read_image(tmp_path / "palette.png")
  np.testing.assert_array_equal(palette[1, 0], [40, 215, 7])


def test_different_sizes_need_a_size_and_are_resized(root, tmp_path):
  save(root / "train" / "image" / "c.png", photo(2, (12, 16)))
  big = np.kron(millimetres, np.ones((2, 2), np.uint16))
  save(root / "train" / "depth" / "c.npy", big)
  with pytest.raises(ValueError, match=r"a\.png 6x8.*c\.png 12x16.*--size=6x8"):
    prepare.PREPARERS["folder"].prepare(tmp_path / "out", raw=root)
  read = read_all(root)
  np.testing.assert_array_equal(read["c"]["depth"], read["a"]["depth"])
  assert read["c"]["image"].shape == (*SIZE, 3)
  halved = read_all(root, (3, 4))["a"]["segmentation"]
  np.testing.assert_array_equal(halved, [[1, -1, 1, -1]] * 3)


def test_deep_colour_png_is_refused_not_halved(tmp_path):
  header = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
  path = tmp_path / "x.png"
  path.write_bytes(header + bytes([0, 0, 0, 1, 0, 0, 0, 1, 16, 2]))
  with pytest.raises(ValueError, match="16 bits a colour"):
    image_files.read_label(path)


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
  with pytest.raises(
    ValueError, match=r"are not those of the records.*--overwrite"
  ):
    prepare.ensure_prepared("folder", out, raw=root)


def test_prepared_without_raw_needs_no_raw(root, tmp_path):
  prepare.PREPARERS["folder"].prepare(tmp_path / "out", raw=root)
  root.rename(tmp_path / "moved")
  dataset = prepare.ensure_prepared("folder", tmp_path / "out", raw=root)
  assert isinstance(dataset, Dataset)
