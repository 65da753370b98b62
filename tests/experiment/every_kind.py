"""A small prepared data set with a task of every kind."""

import numpy as np

from jtr_jax.data.records import prepared

SIZE = (32, 32)
NAMES = ["one", "two", "three"]
TASKS = {
  "segmentation": {"kind": "segmentation", "classes": NAMES},
  "parts": {"kind": "human_parts", "classes": NAMES},
  "depth": {"kind": "depth"},
  "disparity": {"kind": "inverse_depth"},
  "normals": {"kind": "normals"},
  "shading": {"kind": "regression"},
  "saliency": {"kind": "saliency"},
  "edges": {"kind": "edges"},
  "scene": {"kind": "classification", "classes": NAMES},
  "objects": {"kind": "multilabel", "classes": NAMES},
  "brightness": {"kind": "scalar", "unit": "share"},
  "tokens": {"kind": "soft_labels", "classes": NAMES, "grid": [2, 4], "top": 2},
}


def arrays(index):
  """An image and all its labels, with holes."""
  rng = np.random.default_rng(index)
  normals = rng.normal(size=(*SIZE, 3))
  normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
  normals[:4] = np.nan
  depth = rng.uniform(1, 9, (*SIZE, 1)).astype(np.float32)
  depth[:, :3] = np.nan
  ids = rng.integers(-1, 3, SIZE).astype(np.int8)
  tokens = np.concatenate(
    [rng.integers(0, 3, (2, 4, 2)), rng.random((2, 4, 2))], axis=-1
  )
  return {
    "image": rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
    "segmentation": ids,
    "parts": np.zeros_like(ids) if index == 1 else ids,
    "depth": depth,
    "disparity": (1 / depth).astype(np.float32),
    "normals": normals.astype(np.float16),
    "shading": rng.random((*SIZE, 1)).astype(np.float16),
    "saliency": rng.integers(0, 2, (*SIZE, 1)).astype(np.int8),
    "edges": rng.integers(-1, 2, (*SIZE, 1)).astype(np.int8),
    "scene": np.full((1, 1), index % 3, np.int8),
    "objects": rng.integers(-1, 2, (1, 1, 3)).astype(np.int8),
    "brightness": rng.random((1, 1, 1)).astype(np.float32),
    "tokens": tokens.astype(np.float32),
  }


def example(index):
  """One example; each label is missing from every third image."""
  labels = arrays(index)
  for number, task in enumerate(TASKS):
    if (index + number) % 3 == 0:
      labels[task] = None
  return f"image_{index}", labels


def write(directory, train=6, val=4):
  splits = {
    "train": [example(i) for i in range(train)],
    "val": [example(100 + i) for i in range(val)],
  }
  return prepared.write_dataset(
    directory,
    "every_kind",
    tasks=TASKS,
    size=SIZE,
    splits=splits,
    counts={"train": train, "val": val},
    source={"options": {}},
  )
