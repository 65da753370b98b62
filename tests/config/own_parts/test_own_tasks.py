"""Kinds of tasks from a user's own file."""

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.config import (
  build,
)
from jtr_jax.core.types import Label
from jtr_jax.data.datasets import folder_description
from jtr_jax.data.records.manifest import Manifest

TASKS_TOML = """
[depth]
kind = "my_lab:RelativeDepth"
stored_as = "depth"
scale = 0.001
nearest = 2
joint_mean = 3.0

[rooms]
kind = "my_lab:Rooms"
stored_as = "segmentation"
classes = ["wall", "floor"]
"""


def described(text, tmp_path):
  """Return the tasks of a folder that a text describes."""
  path = tmp_path / "tasks.toml"
  path.write_text(text)
  return folder_description.read_tasks(path)


def made(text, tmp_path):
  """Return what its tasks are, and how their labels are stored."""
  tasks = {n: t.options for n, t in described(text, tmp_path).items()}
  manifest = Manifest("test", (32, 32), tasks, {}, {})
  return build.make_tasks((), manifest), manifest


def test_own_tasks_of_a_folder(tmp_path):
  (depth, rooms), manifest = made(TASKS_TOML, tmp_path)
  assert type(depth).__name__ == "RelativeDepth"
  assert (depth.name, depth.nearest, depth.joint_mean) == ("depth", 2, 3.0)
  assert manifest.form("depth").dtype == np.float32
  assert rooms.class_names == ("wall", "floor")
  assert manifest.form("rooms").is_class_ids
  assert hash((depth, rooms))  # static under jit
  near, far = (
    depth.loss(
      jnp.full((1, 4, 4, 1), value + 1),
      Label(
        jnp.full((1, 4, 4, 1), value),
        np.ones((1, 4, 4), bool),
        np.ones(1, bool),
      ),
    )
    for value in (2.0, 8.0)
  )
  np.testing.assert_allclose(near.sum, 4 * far.sum, rtol=1e-6)


@pytest.mark.parametrize(
  ("line", "error"),
  [
    ("nearest = -1", "tasks.depth.nearest.*more than 0"),
    ("nearst = 1", "Did you mean 'nearest'"),
    ("classes = 3", "classes"),
  ],
)
def test_fields_of_own_tasks_are_checked(line, error, tmp_path):
  text = f'[depth]\nkind = "my_lab:RelativeDepth"\nstored_as = "depth"\n{line}'
  with pytest.raises(ValueError, match=error):
    made(text, tmp_path)


def test_what_is_no_task_is_named(tmp_path):
  with pytest.raises(ValueError, match="'my_lab:nothing' makes no task"):
    made('[depth]\nkind = "my_lab:nothing"\n', tmp_path)
  with pytest.raises(ValueError, match="Did you mean 'depth'"):
    made('[d]\nkind = "my_lab:RelativeDepth"\nstored_as = "dept"\n', tmp_path)
