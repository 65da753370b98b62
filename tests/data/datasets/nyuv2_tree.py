"""A small NYUv2 as MTAN distributes it: arrays in folders."""

import numpy as np


def write(root, *, size=(32, 32), train=12, val=3):
  """Write the folders of both splits."""
  draw = np.random.default_rng(0)
  for split, count in {"train": train, "val": val}.items():
    for name in ("image", "label", "depth", "normal"):
      (root / split / name).mkdir(parents=True)
    for index in range(count):
      normal = draw.normal(size=(*size, 3))
      arrays = {
        "image": draw.integers(0, 256, (*size, 3)) / 255,
        "label": draw.integers(-1, 13, size).astype(np.float64),
        "depth": draw.uniform(0.7, 9, (*size, 1)),
        "normal": normal / np.linalg.norm(normal, axis=-1, keepdims=True),
      }
      for name, array in arrays.items():
        np.save(root / split / name / f"{index}.npy", array)
