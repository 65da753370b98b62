import numpy as np
import pytest

from jtr_jax.data import records

SIZE = (8, 12)
TASKS = {
  "segmentation": {"kind": "segmentation", "classes": ["floor", "wall", "sky"]},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
  "edge_texture": {"kind": "regression", "unit": "share"},
}


def make_example(index):
  """One example; each label is missing from every fourth image."""
  rng = np.random.default_rng(index)
  arrays = {
    "image": rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
    "segmentation": rng.integers(-1, 3, SIZE).astype(np.int8),
    "depth": rng.uniform(1, 9, (*SIZE, 1)).astype(np.float32),
    "normals": rng.uniform(-1, 1, (*SIZE, 3)).astype(np.float16),
    "edge_texture": rng.random((*SIZE, 1)).astype(np.float16),
  }
  arrays["depth"][0, :3] = np.nan
  for task, name in enumerate(TASKS):
    if index % 4 == task:
      arrays[name] = None
  return f"room_{index:03d}", arrays


def write_example_dataset(directory, train=11, val=5):
  return records.write_dataset(
    directory,
    "fake",
    tasks=TASKS,
    size=SIZE,
    splits={
      "train": (make_example(i) for i in range(train)),
      "val": (make_example(100 + i) for i in range(val)),
    },
    counts={"train": train, "val": val},
    source={"seed": 0},
  )


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
  return write_example_dataset(tmp_path_factory.mktemp("data") / "fake")
