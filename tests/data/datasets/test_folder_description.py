import re
import tomllib
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.config import build
from jtr_jax.data.datasets import folder, folder_description, prepare
from jtr_jax.data.records.manifest import read_manifest
from jtr_jax.tasks.depth import Depth, InverseDepth
from tests import ROOT
from tests.data.datasets.own_folder import TASKS, millimetres, save


def test_without_description_the_error_proposes_one_that_works(root, tmp_path):
  (root / "tasks.toml").unlink()
  with pytest.raises(
    ValueError, match=r"tasks\.toml is missing or empty"
  ) as error:
    folder.scan(root)
  proposal = str(error.value).split(":\n\n", 1)[1]
  path = tmp_path / "proposed.toml"
  path.write_text(proposal)
  tasks = folder_description.read_tasks(path)
  assert {name: task.kind for name, task in tasks.items()} == {
    "segmentation": "segmentation",
    "depth": "depth",
    "normals": "normals",
    "edge_texture": "regression",
  }
  assert tasks["segmentation"].ignore == (255,)
  assert len(tasks["segmentation"].classes) == 3
  assert tasks["depth"].scale == 0.001
  metres = millimetres[millimetres > 0] / 1000
  assert tasks["depth"].scales == {
    "joint_mean": pytest.approx(metres.mean(), rel=0.01),
    "joint_std": pytest.approx(metres.std(), rel=0.01),
    "picture_range": [0, pytest.approx(np.quantile(metres, 0.99), rel=0.01)],
  }
  (root / "classes.json").write_text('{"classes": ["road", "sky", "car"]}')
  assert 'classes = ["road", "sky", "car"]' in folder.propose(root)


@pytest.mark.parametrize(
  ("toml", "text"),
  [
    ("[depth]\nkind = 'detph'", "Did you mean 'depth'"),
    ("[depth]\nkind = 'depth'\nscael = 1", "Did you mean 'scale'"),
    ("[depth]\nkind = 'depth'\nscale = '1'", "scale = '1'.*a number"),
    ("[depth]\nkind = 'depth'\nscale = true", "scale = True.*a number"),
    ("[depth]\nkind = 'depth'\njoint_mean = nan", "joint_mean = nan"),
    (
      "[depth]\nkind = 'depth'\njoint_std = 0",
      "joint_std = 0.*a positive number",
    ),
    ("[d]\nkind = 'inverse_depth'\njoint_sd = 1", "Did you mean 'joint_std'"),
    (
      "[depth]\nkind = 'depth'\npicture_range = [80, 0]",
      r"picture_range = \[80, 0\].*\[smallest, largest\]",
    ),
    ("[depth]\nkind = 'depth'\npicture_range = 80", "picture_range = 80"),
    ("[edges]\nkind = 'regression'\njoint_std = 1", "Unknown field.*joint_std"),
    ("[edges]\nkind = 'regression'\nchannels = 0", "channels = 0.*from 1"),
    ("[s]\nkind = 'segmentation'", "classes = None"),
    ("[s]\nkind = 'segmentation'\nclasses = 2\nignore = 'x'", "ignore = 'x'"),
    ("depth = 1", r"a table \[depth\]"),
    ("[depth", "cannot be read"),
    ("", "no task"),
  ],
)
def test_a_wrong_description_names_the_field(tmp_path, toml, text):
  path = tmp_path / "tasks.toml"
  path.write_text(toml)
  with pytest.raises(ValueError, match=rf"tasks\.toml.*{text}|{text}"):
    folder_description.read_tasks(path)


OUTDOORS = """
[depth]
kind = "depth"
scale = 0.001
joint_mean = 18.0
joint_std = 14.5
picture_range = [0, 80]

[disparity]
kind = "inverse_depth"
joint_mean = 0.08

[edge_texture]
kind = "regression"
picture_range = [-1, 1.5]
"""


def test_scales_reach_the_tasks(root, tmp_path):
  save(root / "train" / "disparity" / "a.npy", millimetres / 5e4)
  (root / "tasks.toml").write_text(OUTDOORS)
  out = tmp_path / "out"
  manifest = prepare.PREPARERS["folder"].prepare(out, raw=root).manifest
  assert read_manifest(out).tasks == manifest.tasks
  depth, disparity, edges = build.make_tasks((), manifest)
  assert (depth.joint_mean, depth.joint_std) == (18.0, 14.5)
  assert depth.picture_range == (0, 80)
  assert depth.joint_label(jnp.float32(18)) == 0.5
  assert disparity.joint_mean == 0.08
  assert disparity.joint_std == InverseDepth("disparity").joint_std
  assert edges.picture_range == (-1, 1.5)


def test_scales_are_those_of_the_kind_unless_given(root, tmp_path):
  assert "joint_mean" not in TASKS
  manifest = (
    prepare.PREPARERS["folder"].prepare(tmp_path / "out", raw=root).manifest
  )
  tasks = build.make_tasks(("depth",), manifest)
  assert tasks == (Depth("depth"),)


def test_page_describes_every_field():
  page = (ROOT / "docs" / "folder.md").read_text()
  (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
  tables = tomllib.loads(toml)
  path = Path("tasks.toml")
  for name, table in tables.items():
    folder_description.parse_task(name, table, path)
  rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE)
  described = {
    (field, kind) for field, kinds in rows for kind in kinds.strip().split(", ")
  }
  assert described == {
    (field, kind)
    for kind, fields in folder_description.FIELDS.items()
    for field in fields
    if field != "kind"
  }
