import pickle

import numpy as np
import pytest

from jtr_jax.data.datasets import nyuv2, raw
from jtr_jax.data.datasets.nyuv2_classes import CLASSES_13, CLASSES_40

h5py = pytest.importorskip("h5py")
scipy_io = pytest.importorskip("scipy.io")

H, W, N = 48, 64, 14
CROP = (4, 6, 44, 60)
TRAIN, TEST = [3, 5, 12, 14], [1, 2, 9]
TO13 = [12, 5, 6, 1, 4, 9, 10, 12, 13, 6] + [7] * 29 + [13]


def make_frames():
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (N, H, W, 3)).astype(np.uint8)
  labels = rng.integers(0, 895, (N, H, W)).astype(np.uint16)
  slope = np.linspace(0, 0.3, H * W, dtype=np.float32).reshape(H, W)
  depths = 2 + slope + np.arange(N, dtype=np.float32)[:, None, None] / 10
  raw = depths.copy()
  raw[:, 20:24, 30:34] = 0
  return images, labels, depths, raw


def map40():
  return (np.arange(894) % 40 + 1).astype(np.uint8)


@pytest.fixture
def root(tmp_path):
  write_mat(tmp_path, *make_frames())
  write_splits(tmp_path, TRAIN, TEST)
  scipy_io.savemat(tmp_path / "classMapping40.mat", {"mapClass": map40()[None]})
  mapping = {
    "labels13": np.array([TO13], np.uint8),
    "classNames": np.array(CLASSES_13, object)[None],
  }
  scipy_io.savemat(tmp_path / "class13Mapping.mat", {"classMapping13": mapping})
  return tmp_path


def write_mat(root, images, labels, depths, raw):
  """HDF5 as MATLAB writes it: reversed axes, cells as references."""
  with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as mat:
    mat["images"] = images.transpose(0, 3, 2, 1)
    mat["labels"] = labels.transpose(0, 2, 1)
    mat["depths"] = depths.transpose(0, 2, 1)
    mat["rawDepths"] = raw.transpose(0, 2, 1)
    names = []
    for i, name in enumerate(("book", "bottle", "cabinet")):
      key = f"#refs#/{i}"
      mat[key] = np.array([list(name.encode())], np.uint16).T
      names.append(mat[key].ref)
    mat.create_dataset(
      "names", (1, 3), data=np.array([names]), dtype=h5py.ref_dtype
    )


def write_splits(root, train, test):
  scipy_io.savemat(
    root / "splits.mat",
    {
      "trainNdxs": np.array(train, np.uint16)[:, None],
      "testNdxs": np.array(test, np.uint16)[:, None],
    },
  )


def scan(root, depths="depths", classes=CLASSES_13, crop=CROP):
  from jtr_jax.data.datasets import nyuv2_official

  return nyuv2_official.scan(
    root, depths=depths, classes=classes, crop=crop, size=(40, 54)
  )


def read(root, split="train", size=(40, 54), **options):
  return raw.examples(scan(root, **options), split, size)


def cropped(frame):
  top, left, bottom, right = CROP
  return frame[top:bottom, left:right]


def test_reads_the_crop_of_every_frame(root):
  images, labels, depths, _ = make_frames()
  data = scan(root)
  assert (data.name, data.size) == ("nyuv2", (40, 54))
  assert raw.common_size(data) == (40, 54)
  for split, numbers in (("train", TRAIN), ("val", TEST)):
    found = list(read(root, split))
    assert [key for key, _ in found] == [f"{i:04d}" for i in numbers]
    for number, (_, example) in zip(numbers, found, strict=True):
      frame = number - 1
      np.testing.assert_array_equal(example["image"], cropped(images[frame]))
      np.testing.assert_array_equal(
        example["depth"][..., 0], cropped(depths[frame])
      )
      to13 = np.array([-1, *(np.array(TO13)[map40() - 1] - 1)])
      np.testing.assert_array_equal(
        example["segmentation"], to13[cropped(labels[frame])]
      )
      assert example["image"].dtype == np.uint8
      assert example["segmentation"].dtype == np.int8
      assert example["depth"].dtype == np.float32
      assert example["normals"].dtype == np.float16
      length = np.linalg.norm(example["normals"].astype("f4"), axis=-1)
      np.testing.assert_allclose(length, 1, atol=2e-3)


def test_normals_use_the_cameras_of_frame_and_crop(root):
  """A slanted plane, seen by the published camera scaled to the frame."""
  normal = np.array([0.1, -0.2, -1]) / np.linalg.norm([0.1, -0.2, -1])
  images, labels, depths, raw = make_frames()
  fx, fy = 518.85790117450188 / 10, 519.46961112127485 / 10
  cx, cy = (
    (325.58244941119034 + 0.5) / 10 - 0.5,
    (253.73616633400465 + 0.5) / 10 - 0.5,
  )
  v, u = np.meshgrid(np.arange(H), np.arange(W), indexing="ij")
  rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones((H, W))], axis=-1)
  depths[:] = -2.5 / (rays @ normal)
  assert (depths > 0).all()
  write_mat(root, images, labels, depths, raw)
  for size in ((40, 54), (20, 27)):
    _, example = next(read(root, size=size))
    np.testing.assert_allclose(
      example["normals"].astype("f4"),
      np.broadcast_to(normal, (*size, 3)),
      atol=2e-3,
    )


def test_labels_of_a_resized_pixel_come_from_one_pixel(root):
  _, labels, depths, _ = make_frames()
  _, example = next(read(root, size=(20, 18)))
  rows, columns = np.arange(20) * 2 + 1, np.arange(18) * 3 + 1
  frame = TRAIN[0] - 1
  picked = np.ix_(rows, columns)
  np.testing.assert_array_equal(
    example["depth"][..., 0], cropped(depths[frame])[picked]
  )
  void = cropped(labels[frame])[picked] == 0
  np.testing.assert_array_equal(example["segmentation"] == -1, void)
  assert example["image"].shape == (20, 18, 3)
  assert example["image"].std() < 60  # averaged, not picked (std 74)


def test_raw_depths_have_holes(root):
  _, example = next(read(root, depths="rawDepths"))
  unknown = np.isnan(example["depth"][..., 0])
  assert unknown.sum() == 16
  assert unknown[20 - CROP[0], 30 - CROP[1]]
  assert np.isnan(example["normals"]).all(-1)[unknown].all()
  assert scan(root, depths="rawDepths").source["depths"] == "rawDepths"


def test_camera_of_the_crop_is_recorded(root):
  source = scan(root).source
  assert source["camera_size"] == [40, 54]
  assert source["camera"]["fx"] == pytest.approx(518.85790117450188 / 10)
  expected = (325.58244941119034 + 0.5) / 10 - 6 - 0.5
  assert source["camera"]["cx"] == pytest.approx(expected)


def test_forty_classes_are_kept_apart(root):
  _, labels, _, _ = make_frames()
  data = scan(root, classes=CLASSES_40)
  assert data.task_options["segmentation"]["classes"][:2] == ["wall", "floor"]
  _, example = next(read(root, classes=CLASSES_40))
  to40 = np.array([-1, *(map40().astype(int) - 1)])
  np.testing.assert_array_equal(
    example["segmentation"], to40[cropped(labels[TRAIN[0] - 1])]
  )


def test_options_choose_classes_and_size(root, monkeypatch):
  monkeypatch.setattr(nyuv2, "VALID_WINDOW", CROP)
  monkeypatch.setattr(nyuv2, "WHOLE_FRAME", (0, 0, H, W))
  default, whole = nyuv2.scan(root), nyuv2.scan(root, classes=40, crop="none")
  assert default.task_options == nyuv2.TASKS
  assert (default.size, whole.size) == ((288, 384), (480, 640))
  assert raw.common_size(whole) == (H, W)
  assert whole.task_options["segmentation"]["classes"] == list(CLASSES_40)


def test_normals_of_a_padded_image_are_those_of_its_part(root):
  data = scan(root)
  _, padded = next(raw.examples(data, "train", (54, 54), "pad"))
  _, own = next(raw.examples(data, "train", (40, 54)))
  for name, label in own.items():
    np.testing.assert_array_equal(padded[name][:40], label)
  assert np.isnan(padded["normals"][40:]).all()
  assert (padded["segmentation"][40:] == -1).all()
  assert (padded["image"][40:] == (124, 116, 104)).all()


def test_the_reader_travels_to_another_process(root):
  data = scan(root)
  first = next(raw.examples(data, "train", (40, 54)))
  again = next(
    raw.examples(pickle.loads(pickle.dumps(data)), "train", (40, 54))
  )
  np.testing.assert_array_equal(first[1]["depth"], again[1]["depth"])


def test_refuses_a_crop_outside_the_frame(root):
  with pytest.raises(ValueError, match="within 48 rows and 64 columns"):
    nyuv2.scan(root)


def test_refuses_axes_that_were_turned(root):
  images, labels, depths, raw = make_frames()
  write_mat(root, images.transpose(0, 2, 1, 3), labels, depths, raw)
  with pytest.raises(ValueError, match=r"images \[N, 3, W, H\]"):
    scan(root)


def test_refuses_a_file_that_is_not_hdf5(root):
  (root / "nyu_depth_v2_labeled.mat").write_bytes(b"<html>404</html>")
  with pytest.raises(ValueError, match=r"labeled\.mat.*Download it again"):
    scan(root)
  (root / "nyu_depth_v2_labeled.mat").unlink()
  with pytest.raises(ValueError, match=r"\[ \] nyu_depth_v2_labeled"):
    nyuv2.scan(root)


@pytest.mark.parametrize("train", [[0, 3], [3, N + 1], [3, *TEST]])
def test_refuses_other_splits(root, train):
  write_splits(root, train, TEST)
  with pytest.raises(ValueError, match=r"splits\.mat.*from 1 to 14"):
    scan(root)


def test_refuses_mappings_in_another_matlab_format(root):
  path = root / "class13Mapping.mat"
  with h5py.File(path, "w", userblock_size=512) as file:
    file["classMapping13"] = np.zeros(3)
  with pytest.raises(ValueError, match=r"class13Mapping\.mat.*MATLAB 7\.3"):
    scan(root)


def test_refuses_broken_mappings(root):
  (root / "classMapping40.mat").write_bytes(b"")
  with pytest.raises(ValueError, match=r"classMapping40\.mat"):
    scan(root)
  scipy_io.savemat(
    root / "classMapping40.mat", {"mapClass": map40()[None, :20]}
  )
  with pytest.raises(ValueError, match="object label"):
    list(read(root))
  scipy_io.savemat(root / "classMapping40.mat", {"mapClass": map40() + 40})
  with pytest.raises(ValueError, match="1 to 40"):
    scan(root)
