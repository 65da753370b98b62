"""A small prepared data set for the tests of the data."""

import numpy as np

from jtr_jax.data.records import prepared

SIZE = (8, 12)
TASKS = {
  "segmentation": {"kind": "segmentation", "classes": ["floor", "wall", "sky"]},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
  "edge_texture": {"kind": "regression", "unit": "share"},
}


def full_arrays(index):
  """An image with every label."""
  rng = np.random.default_rng(index)
  arrays = {
    "image": rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
    "segmentation": rng.integers(-1, 3, SIZE).astype(np.int8),
    "depth": rng.uniform(1, 9, (*SIZE, 1)).astype(np.float32),
    "normals": rng.uniform(-1, 1, (*SIZE, 3)).astype(np.float16),
    "edge_texture": rng.random((*SIZE, 1)).astype(np.float16),
  }
  arrays["depth"][0, :3] = np.nan
  return arrays


def make_example(index):
  """One example; each label is missing from every fourth image."""
  arrays = full_arrays(index)
  for task, name in enumerate(TASKS):
    if index % 4 == task:
      arrays[name] = None
  return f"room_{index:03d}", arrays


def write(directory, train=11, val=5, overwrite=False):
  splits = {
    "train": [make_example(i) for i in range(train)],
    "val": [make_example(100 + i) for i in range(val)],
  }
  return prepared.write_dataset(
    directory,
    "fake",
    tasks=TASKS,
    size=SIZE,
    splits=splits,
    counts={name: len(rows) for name, rows in splits.items()},
    source={"seed": 0},
    overwrite=overwrite,
  )


def write_rows(directory, rows, count=None):
  return prepared.write_dataset(
    directory,
    "fake",
    tasks=TASKS,
    size=SIZE,
    splits={"train": rows},
    counts={"train": count or len(rows)},
    source={},
  )
