import re

import numpy as np
import pytest

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import cityscapes, raw
from jtr_jax.data.datasets.cityscapes_classes import CLASSES_7, CLASSES_19
from jtr_jax.data.inspect import contents, verification
from jtr_jax.data.label_splits import released
from jtr_jax.data.records import prepared
from tests.data.datasets import cityscapes_tree as tree

TRAIN_IDS_OF_19 = {
  7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10,
  24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
}  # fmt: skip
CATEGORIES = {
  7: 0, 8: 0, 9: 0, 10: 0, 11: 1, 12: 1, 13: 1, 14: 1, 15: 1, 16: 1, 17: 2,
  18: 2, 19: 2, 20: 2, 21: 3, 22: 3, 23: 4, 24: 5, 25: 5, 26: 6, 27: 6, 28: 6,
  29: 6, 30: 6, 31: 6, 32: 6, 33: 6,
}  # fmt: skip


def read(root, split="train", size=tree.SIZE, **options):
  data = cityscapes.scan(root, **options)
  return dict(raw.examples(data, split, size))


def test_original_tree(tmp_path):
  tree.write_original(tmp_path)
  data = cityscapes.scan(tmp_path)
  assert data.size == (256, 512)
  assert {name: len(rows) for name, rows in data.splits.items()} == {
    "train": 4,
    "val": 2,
  }
  assert list(data.tasks) == ["segmentation", "part_segmentation", "disparity"]
  example = read(tmp_path)["zurich_000000_000020"]
  np.testing.assert_array_equal(example["image"], tree.photo(20))
  wanted = np.vectorize(lambda i: TRAIN_IDS_OF_19.get(i, -1))(tree.label_ids())
  np.testing.assert_array_equal(example["segmentation"], wanted)
  assert example["segmentation"].dtype == np.int8
  stored = tree.disparity().astype(np.float64)
  pixels = np.where(stored > 0, (stored - 1) / 1024, np.nan)
  np.testing.assert_allclose(
    example["disparity"][..., 0], pixels, rtol=1e-6, equal_nan=True
  )
  assert example["disparity"][0, 1, 0] == 0  # infinitely far, not unknown
  assert example["disparity"].dtype == np.float32


def test_classes_are_named_in_the_order_of_their_ids():
  assert CLASSES_19[0] == "road"
  assert CLASSES_19[10:14] == ("sky", "person", "rider", "car")
  assert CLASSES_19[18] == "bicycle"
  assert CLASSES_7 == (
    "flat", "construction", "object", "nature", "sky", "human", "vehicle",
  )  # fmt: skip


def test_categories(tmp_path):
  tree.write_original(tmp_path)
  example = read(tmp_path, classes=7)["aachen_000000_000019"]
  wanted = np.vectorize(lambda i: CATEGORIES.get(i, -1))(tree.label_ids())
  np.testing.assert_array_equal(example["segmentation"], wanted)


def test_parts(tmp_path):
  tree.write_original(tmp_path)
  found = read(tmp_path)["aachen_000000_000019"]["part_segmentation"]
  assert found[0].max() == 0  # an instance without parts
  np.testing.assert_array_equal(found[1, :10], [1, 2, 9, 5, 8, 9, 0, 0, 0, 0])
  assert found[2:].max() == 0


def test_a_part_of_a_rider_is_that_of_a_person(tmp_path):
  tree.write_original(tmp_path)
  for path in tmp_path.glob("gtFinePanopticParts/train/*/*.tif"):
    tree.save(path, np.full(tree.SIZE, 2500302, np.int32))
  found = read(tmp_path)["aachen_000000_000019"]["part_segmentation"]
  assert (found == 2).all()


def test_parts_are_optional_and_depth_needs_cameras(tmp_path):
  tree.write_original(tmp_path, with_parts=False)
  data = cityscapes.scan(tmp_path, distance="depth")
  assert list(data.tasks) == ["segmentation", "depth"]
  depth = read(tmp_path, distance="depth")["aachen_000000_000019"]["depth"]
  stored = tree.disparity().astype(np.float64)
  metres = 0.209313 * 2262.52 / np.where(stored > 1, (stored - 1) / 256, np.nan)
  np.testing.assert_allclose(depth[..., 0], metres, rtol=1e-5, equal_nan=True)
  (tmp_path / "camera/val/munster/munster_000000_000019_camera.json").unlink()
  with pytest.raises(
    ValueError, match=r"munster_000000_000019_camera\.json is"
  ):
    cityscapes.scan(tmp_path, distance="depth")


def test_mtan_unit_of_the_original_files(tmp_path):
  tree.write_original(tmp_path)
  example = read(tmp_path, distance="mtan")["aachen_000000_000019"]
  stored = tree.disparity().astype(np.float64)
  wanted = np.where(stored > 0, stored / 65535, np.nan)
  np.testing.assert_allclose(
    example["depth"][..., 0], wanted, rtol=1e-6, equal_nan=True
  )
  assert np.nanmax(wanted) == pytest.approx(0.4922, abs=1e-4)


@pytest.mark.parametrize(
  ("labels", "options", "classes"),
  [
    (("label_7", "label_19"), {}, 7),
    (("label_7", "label_19"), {"classes": 19}, 19),
    (("label",), {}, 7),  # as LibMTL has it
  ],
)
def test_mtan_files(tmp_path, labels, options, classes):
  tree.write_mtan(tmp_path / "cityscapes2", labels=labels)
  data = cityscapes.scan(tmp_path, **options)
  assert len(data.task_options["segmentation"]["classes"]) == classes
  assert data.task_options["depth"] == {"kind": "inverse_depth"}
  found = read(tmp_path, **options)
  assert list(found) == [str(i) for i in range(12)]
  np.testing.assert_array_equal(found["11"]["image"], tree.photo(11))
  ids = np.arange(tree.SIZE[0] * tree.SIZE[1]).reshape(tree.SIZE)
  np.testing.assert_array_equal(
    found["10"]["segmentation"], ids % (classes + 1) - 1
  )
  assert np.isnan(found["0"]["depth"]).sum() == 1
  assert raw.common_size(data) == tree.SIZE


def test_the_released_split_fits_the_mtan_files(tmp_path, monkeypatch):
  rows = np.eye(2, dtype=np.float32)[np.arange(12) % 2]
  monkeypatch.setattr(
    released.torch_file,
    "read_torch_tensors",
    lambda path: {"labels_weights": rows},
  )
  tree.write_mtan(tmp_path)
  (tmp_path / "onelabel.pth").touch()
  data = cityscapes.scan(tmp_path)
  ids = [row.id for row in data.splits["train"]]
  split = released.import_split(tmp_path / "onelabel.pth", ids, data.tasks)
  np.testing.assert_array_equal(split.labelled, rows == 1)


@pytest.mark.parametrize("parts_beside", [False, True])
def test_auto_lambda_files(tmp_path, parts_beside):
  tree.write_auto_lambda(tmp_path, parts_beside=parts_beside)
  data = cityscapes.scan(tmp_path)
  assert list(data.tasks) == ["segmentation", "part_segmentation", "disparity"]
  found = read(tmp_path)
  assert list(found)[9:] == ["9", "10", "11"]
  assert found["3"]["part_segmentation"][1, 0] == 1
  assert found["3"]["segmentation"][0, 7] == 0
  assert np.nanmax(found["3"]["disparity"]) == pytest.approx(32256 / 1024)


def test_prepares_and_verifies_by_command(tmp_path, capsys):
  tree.write_original(tmp_path / "raw")
  given = [f"--raw={tmp_path / 'raw'}", f"--out={tmp_path / 'out'}"]
  assert main(["prepare", "cityscapes", *given, "--size=8x16"]) == 0
  assert "4 train, 2 val images, 8x16" in capsys.readouterr().out
  assert main(["verify", str(tmp_path / "out")]) == 0
  assert main(["verify", str(tmp_path / "raw")]) == 0
  manifest = prepared.open_dataset(tmp_path / "out").manifest
  assert manifest.source["files"] == {
    "layout": "original",
    "distance": "disparity",
  }
  assert manifest.source["options"]["classes"] is None


def no_labels(root):
  folder = root / "gtFine/train/zurich"
  (folder / "zurich_000000_000019_gtFine_labelIds.png").unlink()
  return r"zurich_000000_000019_gtFine_labelIds\.png is missing"


def cut_disparity(root):
  path = root / "disparity/val/munster/munster_000000_000019_disparity.png"
  path.write_bytes(path.read_bytes()[:100])
  return r"munster_000000_000019_disparity\.png cannot be read"


def eight_bits(root):
  path = root / "disparity/train/aachen/aachen_000000_000019_disparity.png"
  tree.save(path, tree.label_ids())
  return r"aachen_000000_000019_disparity\.png.*8 bits a pixel"


def train_ids(root):
  path = root / "gtFine/train/aachen/aachen_000000_000020_gtFine_labelIds.png"
  tree.save(path, np.full(tree.SIZE, 255, np.uint8))
  return r"_gtFine_labelIds\.png.*ids 255 to 255.*labelIds"


def illegal_parts(root):
  folder = root / "gtFinePanopticParts/train/aachen"
  path = folder / "aachen_000000_000019_gtFinePanopticParts.tif"
  tree.save(path, np.full(tree.SIZE, 345, np.int32))
  return r"PanopticParts\.tif.*uids 345 to 345"


def other_size(root):
  path = root / "gtFine/train/aachen/aachen_000000_000020_gtFine_labelIds.png"
  tree.save(path, tree.label_ids()[:8])
  return r"_gtFine_labelIds\.png has another size.*8x32.*16x32"


@pytest.mark.parametrize(
  "spoil",
  [
    no_labels,
    cut_disparity,
    eight_bits,
    train_ids,
    illegal_parts,
    other_size,
  ],
)
def test_names_the_broken_file(tmp_path, spoil):
  tree.write_original(tmp_path)
  message = spoil(tmp_path)
  with pytest.raises(ValueError, match=message):
    read(tmp_path, "train") | read(tmp_path, "val")
  (problem,) = verification.verify(tmp_path).problems
  assert re.search(message, problem)


def test_verify_names_every_file_of_a_truncated_tree(tmp_path):
  tree.write_original(tmp_path)
  for package in ("gtFine", "disparity"):
    for path in (tmp_path / package).glob("val/*/*.png"):
      path.unlink()
  problems = verification.verify(tmp_path).problems
  assert len(problems) == 4
  assert all("is missing" in problem for problem in problems)


def test_a_broken_camera_is_named(tmp_path):
  tree.write_original(tmp_path)
  path = tmp_path / "camera/train/aachen/aachen_000000_000019_camera.json"
  for text in ("{", '{"intrinsic": {"fx": 1}}', "[]"):
    path.write_text(text)
    with pytest.raises(ValueError, match=r"aachen_000000_000019_camera\.json"):
      read(tmp_path, distance="depth")


def test_layouts_are_told_apart_by_verify(tmp_path):
  for name in ("original", "mtan", "auto_lambda"):
    getattr(tree, f"write_{name}")(tmp_path / name)
    assert contents.find_layout(tmp_path / name) == "cityscapes"


def test_nothing_there_and_distances_that_are_not(tmp_path):
  (tmp_path / "stuff").mkdir()
  with pytest.raises(
    ValueError, match=r"not found in .*stuff.*leftImg8bit.*mtan"
  ):
    cityscapes.scan(tmp_path)
  tree.write_mtan(tmp_path)
  with pytest.raises(ValueError, match=r"'depth'. Expected: mtan"):
    cityscapes.scan(tmp_path, distance="depth")
  (tmp_path / "train/label_7/3.npy").unlink()
  with pytest.raises(ValueError, match=r"missing files \(label_7/3\.npy\)"):
    cityscapes.scan(tmp_path)
