import os

import numpy as np
import pytest
from PIL import Image

from jtr_jax.data.datasets import prepare
from jtr_jax.data.inspect import verification
from tests.data.datasets.own_folder import (
  SIZE,
  edges,
  ids,
  millimetres,
  photo,
  save,
)


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
  save(
    root / "train" / "segmentation" / "a.png",
    np.where(ids == 2, 3, ids),
  )


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
  (pickled_npy, r"depth/c\.npy cannot be read.*object"),
  (empty_image, r"image/b\.png cannot be read"),
  (other_size, r"segmentation/b\.png has another size.*3x8.*6x8"),
  (class_out_of_range, r"segmentation/a\.png.*class id 3 \(12 pixels"),
  (blended_classes, r"segmentation/a\.npy.*fractions"),
  (coloured_classes, r"segmentation/a\.png.*3 channels"),
  (label_without_image, r"val/depth/z\.png without an image"),
  (two_files, r"depth/a\.npy and .*depth/a\.png"),
  (no_training_labels, r"training labels for task 'normals'"),
  (
    unscaled_depth,
    r"depth/a\.png.*looks like millimetres.*scale=0\.001",
  ),
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
    prepare.PREPARERS["folder"].prepare(tmp_path / "out", raw=root)
  assert not (tmp_path / "out").exists()


def test_verify_names_every_broken_file(root):
  truncated_png(root)
  other_size(root)
  label_without_image(root)
  shifted_normals(root)
  problems = verification.verify(root).problems
  names = ("depth/a.png", "segmentation/b.png", "depth/z.png", "normals/a.npy")
  assert len(problems) == len(names)
  for name in names:
    assert sum(name in problem for problem in problems) >= 1
