"""What verify and inspect warn of, with counts and the first names."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from jtr_jax.data.__main__ import main
from tests.data.datasets import own_folder

METRES = own_folder.millimetres.astype(np.float64) / 1000
LARGE = (16, 16)


@pytest.fixture
def root(tmp_path):
  own_folder.write(tmp_path / "mine")
  return tmp_path / "mine"


def leave_alone(root):
  Image.new("RGB", (8, 6)).save(root / "train" / "image" / "e.bmp")
  (root / "train" / "image" / "more").mkdir()
  os.mkfifo(root / "train" / "depth" / "pipe.png")
  (root / "train" / "depth" / "gone.png").symlink_to(root / "nowhere")
  (root / "train" / "extra").mkdir()
  own_folder.save(root / "train" / "extra" / "a.png", own_folder.ids)


def repeat(root):
  shutil.copy(root / "train" / "image" / "a.png", root / "val" / "image")


def hide(root):
  own_folder.save(root / "train" / "depth" / "c.npy", np.zeros((6, 8)))


def forget(root):
  (root / "val" / "depth" / "d.tif").unlink()


def in_metres(root):
  for path in (root / "train" / "depth").glob("*"):
    path.unlink()
  own_folder.save(root / "train" / "depth" / "a.npy", METRES)
  own_folder.save(root / "val" / "depth" / "d.npy", METRES)
  (root / "val" / "depth" / "d.tif").unlink()


def far(root):
  depth = own_folder.millimetres.astype(np.float64)
  depth[0, 0] = 5e6
  own_folder.save(root / "train" / "depth" / "c.npy", depth)


def all_positive(root):
  unit = np.zeros((*LARGE, 3))
  unit[..., 2] = 1
  for name in ("a.npy", "b.png"):
    (root / "train" / "normals" / name).unlink()
  own_folder.save(
    root / "train" / "image" / "z.png", own_folder.photo(9, LARGE)
  )
  own_folder.save(root / "train" / "normals" / "z.npy", unit)


def off(root):
  path = root / "tasks.toml"
  scales = "scale = 0.001\njoint_mean = 900.0\njoint_std = 2.0"
  path.write_text(path.read_text().replace("scale = 0.001", scales, 1))


def jpeg(root):
  (root / "train" / "edge_texture" / "a.png").unlink()
  own_folder.save(root / "train" / "edge_texture" / "a.jpg", own_folder.edges)


@pytest.mark.parametrize(
  ("change", "says"),
  [
    (leave_alone, "files that are none of png, jpg, jpeg, npy, tif, tiff are"),
    (leave_alone, "ignored: 1, "),
    (leave_alone, "folders inside folders"),
    (leave_alone, "pipes and devices"),
    (leave_alone, "links to nothing"),
    (leave_alone, "*/extra is not in"),
    (repeat, "the same picture is in two splits: 2, train/a = val/a"),
    (hide, "labels of 'depth' without a valid pixel: 1, train/c"),
    (forget, "no image of val has a label for 'depth'"),
    (in_metres, "is `scale` that of millimetres"),
    (far, "labels of 'depth' with values beyond 1000 m: 1, train/c"),
    (all_positive, "no normal of 'normals' has a negative component"),
    (all_positive, "different sizes, give --size (6x8: 4, train/a, train/b"),
    (off, "the mean of 'depth' is"),
    (jpeg, "labels of 'edge_texture' are JPEG"),
  ],
)
def test_what_is_probably_not_meant_is_told(root, capsys, change, says):
  assert main(["verify", str(root)]) == 0
  assert says not in capsys.readouterr().out
  change(root)
  assert main(["verify", str(root)]) == 0
  verified = capsys.readouterr().out
  lines = [x for x in verified.splitlines() if x.startswith("warning: ")]
  assert any(says in line for line in lines), verified
  assert f"0 problems, {len(lines)} warnings" in verified
  assert main(["inspect", str(root)]) == 0
  assert set(lines) <= set(capsys.readouterr().out.splitlines())


CODED = [(128, 0, 0), (0, 128, 0), (0, 0, 128)]


def test_three_channels_are_normals_colours_or_numbers(tmp_path, capsys):
  draw = np.random.default_rng(0)
  for split in ("train", "val"):
    folder = tmp_path / split
    own_folder.save(folder / "image" / "a.png", own_folder.photo(0, LARGE))
    vectors = draw.normal(size=(*LARGE, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    coded = np.round((vectors + 1) * 127.5).astype(np.uint8)
    own_folder.save(folder / "normals" / "a.png", coded)
    own_folder.save(folder / "albedo" / "a.png", own_folder.photo(1, LARGE))
    parts = np.array(CODED, np.uint8)[draw.integers(0, 3, LARGE)]
    own_folder.save(folder / "parts" / "a.png", parts)
  (tmp_path / "tasks.toml").touch()  # as `inspect D > D/tasks.toml` leaves it
  assert main(["inspect", str(tmp_path), "--write"]) == 0
  capsys.readouterr()
  assert main(["verify", str(tmp_path)]) == 0
  written = (tmp_path / "tasks.toml").read_text()
  assert '[albedo]\nkind = "regression"' in written
  assert "channels = 3" in written
  assert '[normals]\nkind = "normals"' in written
  assert '[parts]\nkind = "segmentation"\nclasses = 3' in written
  assert "colours = [[0, 0, 128], [0, 128, 0], [128, 0, 0]]" in written
  assert main(["inspect", str(tmp_path)]) == 0
  assert "class_2" in capsys.readouterr().out
