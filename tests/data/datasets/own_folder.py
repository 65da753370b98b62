"""A small folder of a user's own data, in every file format."""

import numpy as np
from PIL import Image

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


def write(root):
  """Write the folder."""
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
