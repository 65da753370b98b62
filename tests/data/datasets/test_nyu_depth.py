import numpy as np
import pytest
from PIL import Image

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import nyu_depth, raw
from jtr_jax.data.inspect import verification

h5py = pytest.importorskip("h5py")

SIZE = (6, 8)
TRAIN = "nyudepthv2_train_files_with_gt.txt"
TEST = "nyudepthv2_test_files_with_gt.txt"


def photo(seed):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def metres():
  depth = np.linspace(0.7, 9.9, 48, dtype=np.float32).reshape(SIZE)
  depth[0, 0] = 0
  return depth


def write_fastdepth(root):
  places = ("train/kitchen_0001a/00001", "train/kitchen_0001a/00021",
            "train/office_0002/00001", "val/official/00001")  # fmt: skip
  for seed, place in enumerate(places):
    path = root / "nyudepthv2" / f"{place}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
      file["rgb"] = photo(seed).transpose(2, 0, 1)
      file["depth"] = metres()


def write_bts(root):
  lists = {
    TRAIN: ("sync", [("/kitchen_0028b/rgb_00045.jpg",
                      "/kitchen_0028b/sync_depth_00045.png"),
                     ("/study_0003/rgb_00001.jpg",
                      "/study_0003/sync_depth_00001.png")]),
    TEST: ("official_splits/test", [("bathroom/rgb_00045.jpg", "None")]),
  }  # fmt: skip
  for name, (folder, pairs) in lists.items():
    lines = [f"{image} {depth} 518.8579" for image, depth in pairs]
    (root / name).write_text("\n".join(lines) + "\n")
    for image, depth in pairs:
      path = root / folder / image.lstrip("/")
      path.parent.mkdir(parents=True, exist_ok=True)
      Image.fromarray(photo(0)).save(path)
      if depth != "None":
        stored = np.round(metres() * 1000).astype(np.uint16)
        Image.fromarray(stored).save(root / folder / depth.lstrip("/"))


def read(root, split="train"):
  return dict(raw.examples(nyu_depth.scan(root), split, SIZE))


def test_fastdepth(tmp_path):
  write_fastdepth(tmp_path)
  found = read(tmp_path)
  assert list(found) == [
    "kitchen_0001a_00001",
    "kitchen_0001a_00021",
    "office_0002_00001",
  ]
  example = found["office_0002_00001"]
  np.testing.assert_array_equal(example["image"], photo(2))
  np.testing.assert_array_equal(
    np.nan_to_num(example["depth"][..., 0]), metres()
  )
  assert np.isnan(example["depth"][0, 0, 0])
  assert raw.common_size(nyu_depth.scan(tmp_path)) == SIZE
  assert list(read(tmp_path, "val")) == ["official_00001"]


def test_bts(tmp_path):
  write_bts(tmp_path)
  found = read(tmp_path)
  assert list(found) == ["kitchen_0028b_rgb_00045", "study_0003_rgb_00001"]
  depth = found["study_0003_rgb_00001"]["depth"][..., 0]
  assert np.isnan(depth[0, 0])
  np.testing.assert_allclose(np.nan_to_num(depth), metres(), atol=5e-4)
  assert read(tmp_path, "val")["bathroom_rgb_00045"]["depth"] is None


@pytest.mark.parametrize("write", [write_fastdepth, write_bts])
def test_prepares_and_verifies_by_command(tmp_path, capsys, write):
  (tmp_path / "raw").mkdir()
  write(tmp_path / "raw")
  out = tmp_path / "out"
  given = [f"--raw={tmp_path / 'raw'}", f"--out={out}"]
  assert main(["prepare", "nyu_depth", *given]) == 0
  assert "1 val images, 6x8, tasks depth" in capsys.readouterr().out
  assert main(["verify", str(out)]) == 0
  assert main(["verify", str(tmp_path / "raw")]) == 0


def test_broken_frames_are_named(tmp_path):
  write_fastdepth(tmp_path)
  folder = tmp_path / "nyudepthv2" / "train"
  (folder / "office_0002/00001.h5").write_bytes(b"<html>")
  with h5py.File(folder / "kitchen_0001a/00021.h5", "w") as file:
    file["rgb"], file["depth"] = photo(0), metres()
  problems = verification.verify(tmp_path).problems
  assert len(problems) == 2
  for text in ("office_0002/00001.h5", r"rgb uint8[6, 8, 3]"):
    assert any(text in problem for problem in problems)


def test_broken_lists_and_missing_files_are_named(tmp_path):
  write_bts(tmp_path)
  (tmp_path / "sync/study_0003/sync_depth_00001.png").unlink()
  with pytest.raises(ValueError, match=r"sync_depth_00001\.png is missing"):
    nyu_depth.scan(tmp_path)
  eight = tmp_path / "sync/kitchen_0028b/sync_depth_00045.png"
  Image.fromarray(np.zeros(SIZE, np.uint8)).save(eight)
  assert len(verification.verify(tmp_path).problems) == 2
  (tmp_path / TRAIN).write_text("a.jpg b.png\n")
  with pytest.raises(ValueError, match=r"in line 1: a\.jpg b\.png"):
    nyu_depth.scan(tmp_path)


def test_nothing_there(tmp_path):
  with pytest.raises(ValueError, match=r"not found.*fastdepth"):
    nyu_depth.scan(tmp_path)
