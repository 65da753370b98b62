import numpy as np
import pytest

from jtr_jax.data.datasets import mtan_files, nyuv2, raw
from jtr_jax.data.label_splits import released

SIZE = (6, 8)
DTYPES = {"image": "f8", "label": "f4", "depth": "f8", "normal": "f4"}


def make_item(number, split):
  rng = np.random.default_rng([number, len(split)])
  image = rng.integers(0, 256, (*SIZE, 3)) / 255
  label = rng.integers(0, 13, SIZE)
  label[0] = -1
  depth = rng.uniform(0.7, 10, (*SIZE, 1))
  depth[1, 2] = 0
  normal = rng.normal(size=(*SIZE, 3))
  normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
  normal[2, 3] = 0
  normal[3, 4] = [0.5, -0.5, 0]  # valid although its components cancel
  return {"image": image, "label": label, "depth": depth, "normal": normal}


@pytest.fixture
def root(tmp_path):
  for split, count in (("train", 12), ("val", 3)):
    for number in range(count):
      for name, array in make_item(number, split).items():
        path = tmp_path / split / name / f"{number}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array.astype(DTYPES[name]))
  return tmp_path


def change(root, file, array):
  np.save(root / file, array)


def read_all(root, split="train", size=SIZE):
  return list(raw.examples(nyuv2.scan(root), split, size))


def test_reads_items_in_numeric_order(root):
  data = nyuv2.scan(root)
  assert (data.name, raw.common_size(data)) == ("nyuv2", SIZE)
  assert {split: len(r) for split, r in data.splits.items()} == {
    "train": 12,
    "val": 3,
  }
  assert data.task_options == nyuv2.TASKS
  for split in data.splits:
    found = read_all(root, split)
    assert [key for key, _ in found] == [str(i) for i in range(len(found))]
    for key, example in found:
      check(example, make_item(int(key), split))


def check(example, item):
  assert example["image"].dtype == np.uint8
  np.testing.assert_allclose(example["image"] / 255, item["image"])
  assert example["segmentation"].dtype == np.int8
  np.testing.assert_array_equal(example["segmentation"], item["label"])
  assert example["depth"].dtype == np.float32
  assert np.isnan(example["depth"]).sum() == 1
  np.testing.assert_allclose(
    np.nan_to_num(example["depth"]), item["depth"], rtol=1e-6
  )
  assert example["normals"].dtype == np.float16
  assert np.isnan(example["normals"]).sum() == 3
  np.testing.assert_allclose(
    np.nan_to_num(example["normals"]), item["normal"], atol=1e-3
  )


def test_the_folder_may_be_called_nyuv2(root, tmp_path_factory):
  parent = tmp_path_factory.mktemp("parent")
  (parent / "nyuv2").symlink_to(root)
  assert len(nyuv2.scan(parent).splits["train"]) == 12


def test_reads_integers_and_flat_depth(root):
  item = make_item(4, "train")
  change(root, "train/image/4.npy", np.round(255 * item["image"]).astype("u1"))
  change(root, "train/label/4.npy", item["label"].astype("i8"))
  change(root, "train/depth/4.npy", item["depth"][..., 0])
  check(read_all(root)[4][1], item)


def test_resizes(root):
  found = read_all(root, size=(3, 4))[0][1]
  item = make_item(0, "train")
  np.testing.assert_array_equal(
    found["segmentation"], item["label"][1::2, 1::2]
  )
  np.testing.assert_allclose(
    np.nan_to_num(found["normals"]), item["normal"][1::2, 1::2], atol=1e-3
  )
  assert found["image"].shape == (3, 4, 3)
  centre = item["image"][2:4, 2:6].mean() * 255
  assert abs(found["image"][1, 1:3].mean() - centre) < 40


def test_ids_fit_a_released_split(root, monkeypatch):
  rows = np.eye(3, dtype=np.float32)[np.arange(12) % 3]
  monkeypatch.setattr(
    released.torch_file,
    "read_torch_tensors",
    lambda path: {"labels_weights": rows},
  )
  (root / "onelabel.pth").touch()
  ids = [key for key, _ in read_all(root)]
  split = released.import_split(
    root / "onelabel.pth", ids, ["segmentation", "depth", "normals"]
  )
  np.testing.assert_array_equal(split.labelled, rows == 1)


@pytest.mark.parametrize(
  "option", [{"depths": "rawDepths"}, {"classes": 40}, {"crop": "none"}]
)
def test_refuses_options_of_the_official_files(root, option):
  with pytest.raises(ValueError, match=r"as they are.*official files"):
    nyuv2.scan(root, **option)


@pytest.mark.parametrize(
  ("file", "array", "message"),
  [
    ("label/3.npy", np.full(SIZE, 13), "class id 13.*-1 to 12"),
    ("label/3.npy", np.full(SIZE, 0.5), "class id 0.5"),
    ("label/3.npy", np.full(SIZE, np.nan), "class id nan"),
    (
      "label/3.npy",
      np.zeros((6, 7)),
      "another size than its image.*6x7.*6x8x?",
    ),
    ("depth/3.npy", np.full((*SIZE, 1), -0.1), "value of -0.1"),
    ("depth/3.npy", np.zeros((*SIZE, 3)), r"shape \[6, 8, 3\].*H, W, 1"),
    ("normal/3.npy", np.full((*SIZE, 3), 2.0), "-1 to 1"),
    ("normal/3.npy", np.zeros((3, *SIZE)), r"shape \[3, 6, 8\].*H, W, 3"),
    ("image/3.npy", np.full((*SIZE, 3), 3.0), "0 to 1"),
    ("image/3.npy", np.full((*SIZE, 3), np.nan), "0 to 1"),
    ("image/3.npy", np.array([None]), "Object arrays"),
  ],
)
def test_names_the_broken_file(root, file, array, message):
  change(root, f"train/{file}", array)
  with pytest.raises(ValueError, match=message) as error:
    read_all(root)
  assert f"train/{file}" in str(error.value)


def test_images_of_two_sizes_are_refused(root):
  change(root, "train/image/3.npy", np.zeros((6, 7, 3)))
  with pytest.raises(ValueError, match=r"0\.npy 6x8.*3\.npy 6x7"):
    raw.common_size(nyuv2.scan(root))


def test_names_a_truncated_file(root):
  path = root / "val/depth/2.npy"
  path.write_bytes(path.read_bytes()[:-9])
  with pytest.raises(ValueError, match=r"val/depth/2\.npy"):
    read_all(root, "val")


def test_warns_once_about_images_that_are_not_8_bit(root, monkeypatch):
  seen = []
  monkeypatch.setattr(
    mtan_files.logging, "warning", lambda *args: seen.append(args)
  )
  read_all(root)
  assert not seen
  for number in (5, 6):
    image = make_item(number, "train")["image"]
    change(root, f"train/image/{number}.npy", image * 0.9 + 0.3 / 255)
  read_all(root)
  assert len(seen) == 1
  assert "5.npy" in str(seen[0][1])
  assert 0.3 < seen[0][2] <= 0.5


def test_names_missing_files(root):
  (root / "train/normal/7.npy").unlink()
  with pytest.raises(ValueError, match=r"1 missing files \(normal/7\.npy\)"):
    nyuv2.scan(root)


def test_refuses_a_gap(root):
  for name in DTYPES:
    (root / f"val/{name}/1.npy").unlink()
  with pytest.raises(ValueError, match=r"1 odd: 2\).*image/1\.npy"):
    nyuv2.scan(root)


def test_refuses_an_empty_split(root):
  for path in (root / "val").glob("*/*.npy"):
    path.unlink()
  with pytest.raises(ValueError, match="0 different names"):
    nyuv2.scan(root)


def test_says_what_to_download(tmp_path):
  (tmp_path / "splits.mat").touch()
  with pytest.raises(ValueError, match="NYUv2 was not found") as error:
    nyuv2.scan(tmp_path)
  text = str(error.value)
  assert "[x] splits.mat" in text
  assert "[ ] nyu_depth_v2_labeled.mat" in text
  assert "[ ] classMapping40.mat" in text
  assert "train/{image,label,depth,normal}" in text
  assert "http://horatio.cs.nyu.edu/" in text
  assert "prepare nyuv2 --raw=DIR --out=DIR" in text
  assert "data=rooms" in text


def test_refuses_both_layouts(root):
  (root / "nyu_depth_v2_labeled.mat").touch()
  with pytest.raises(ValueError, match="twice"):
    nyuv2.scan(root)
