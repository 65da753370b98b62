"""Parts from a user's own file, named `package.module:attribute`."""

import sys

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.config import (
  build,
  build_balancing,
  build_optimizer,
  command_line,
  presets,
  resolve,
)
from jtr_jax.core.types import Label
from jtr_jax.data.datasets import folder_description, nyuv2
from jtr_jax.data.records.manifest import Manifest
from tests import config_files

ROOMS = str(config_files.ROOT / "configs" / "rooms_jtr.py")
FOLDER = str(config_files.ROOT / "configs" / "folder_jtr.py")

PARTS = '''
import dataclasses
from typing import Annotated, Any, Literal

import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax import balancing
from jtr_jax.core.fields import POSITIVE
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.methods.supervised import supervised
from jtr_jax.data.datasets.raw import RawDataset, RawTask, Row
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.segmentation import Segmentation


def sharper(
  tasks,
  *,
  steps_per_epoch: float,
  strength: Annotated[float, POSITIVE] = 2.0,
  label_weighting: Literal["image", "sum"] = "sum",
):
  """Supervised learning whose losses count more."""
  method = supervised(tasks, label_weighting=label_weighting)
  return method._replace(losses=lambda *args: scaled(method, strength, *args))


def scaled(method, strength, *args):
  output = method.losses(*args)
  losses = {
    name: dataclasses.replace(loss, sum=strength * loss.sum)
    for name, loss in output.task_losses.items()
  }
  return output._replace(task_losses=losses)


def narrow(tasks, *, dtype: Any, width: int = 4):
  heads = tuple(Head(task.channels, dtype) for task in tasks)
  return MultiTaskNet(SegNet((width, width), dtype=dtype), heads, tasks)


def halves(num_tasks: int, *, factor: float = 0.5):
  return balancing.fixed(num_tasks, weights=(factor,) * num_tasks)


def first_alone(num_tasks: int, *, primary: int = 0, soft: bool = False):
  del primary, soft
  return balancing.pcgrad(num_tasks)


def signs(learning_rate, *, momentum: float = 0.9):
  return optax.sgd(learning_rate, momentum)


def strict(tasks, strength):
  return supervised(tasks)


def nothing(tasks):
  return 3


@dataclasses.dataclass(frozen=True)
class RelativeDepth(Depth):
  """Depth whose errors count in proportion to the distance."""

  nearest: Annotated[float, POSITIVE] = 0.5  # metres

  def loss(self, prediction, label):
    values = jnp.where(label.valid, label.value[..., 0], 1)
    scale = jnp.maximum(values, self.nearest)
    absolute = Depth.loss(self, prediction, label)
    return dataclasses.replace(absolute, sum=absolute.sum / jnp.mean(scale))


class Rooms(Segmentation):
  """A segmentation of the user's own."""


def scan(raw, *, brightness: Annotated[int, POSITIVE] = 100):
  """Two grey images with depth, one of them hidden."""
  image = np.full((32, 32, 3), brightness, np.uint8)
  return RawDataset(
    "greys",
    {
      "depth": RawTask(
        {"kind": "depth", "task": "my_lab:RelativeDepth"},
        lambda place: np.ones((32, 32, 1), np.float32),
      )
    },
    {"train": [Row("a", raw, {"depth": raw}), Row("b", raw, {})]},
    read_image=lambda place: image,
    image_size=lambda place: (32, 32),
  )


NUMBER = 3
'''


@pytest.fixture(autouse=True)
def my_lab(tmp_path, monkeypatch):
  """A user's module that the program can import."""
  (tmp_path / "my_lab.py").write_text(PARTS)
  (tmp_path / "my_broken.py").write_text("x = 1\ny = x / 0\n")
  monkeypatch.syspath_prepend(tmp_path)
  yield
  for name in ("my_lab", "my_broken"):
    sys.modules.pop(name, None)


def rooms(*fields, arg=""):
  return command_line.settings(f"{ROOMS}:{arg}", fields)


def tasks_of(settings):
  manifest = Manifest("test", (32, 32), nyuv2.TASKS, {}, {})
  return build.make_tasks(settings.tasks, manifest)


def test_an_own_method_with_its_fields():
  settings = rooms("method.name=my_lab:sharper", "method.strength=3")
  assert settings.method.fields == {"strength": 3.0, "label_weighting": "sum"}
  tasks = tasks_of(settings)
  method = build.make_method(settings, tasks, 10.0)
  assert len(method.views) == 1
  plain = resolve.to_plain(settings)
  assert plain["method"]["name"] == "my_lab:sharper"
  assert resolve.resolve(plain) == settings


def test_an_own_method_as_an_argument():
  settings = command_line.settings(f"{FOLDER}:raw=D,method=my_lab:sharper")
  assert settings.method.name == "my_lab:sharper"
  assert settings.method.fields["strength"] == 2.0


def test_an_own_network():
  settings = rooms("model.name=my_lab:narrow", "model.width=6")
  net = build.make_model(settings, tasks_of(settings))
  assert net.encoder.filters == (6, 6)
  assert net.encoder.dtype == jnp.float32
  assert settings.method.fields["autoencoder_filters"] == (8, 16, 32, 64, 64)


@pytest.mark.parametrize("how", ["fields", "argument"])
def test_own_balancers(how):
  if how == "fields":
    settings = rooms(
      "balancing.loss.name=my_lab:halves",
      "balancing.loss.factor=0.25",
      "balancing.gradient.name=my_lab:first_alone",
    )
    factor = 0.25
  else:
    settings = rooms(arg="balancing=my_lab:halves+my_lab:first_alone")
    factor = 0.5
  assert settings.balancing.loss.fields == {"factor": factor}
  assert settings.balancing.gradient.fields == {"soft": False}
  assert settings.balancing.task_loss == "mean"
  tasks = tasks_of(settings)
  made = build_balancing.make_balancing(settings, tasks, 2.0)
  assert made.gradient.name == "pcgrad"
  assert made.loss.name == "fixed"


def step_of(settings):
  """Return the first step of the optimiser for a gradient of 1."""
  method = build.make_method(settings, tasks_of(settings), 10.0)
  optimizer = build_optimizer.make_optimizer(settings, method, 10.0)
  params = {"w": jnp.ones(2)}
  updates, _ = optimizer.update(params, optimizer.init(params), params)
  return np.asarray(updates["w"])


@pytest.mark.parametrize(
  ("fields", "expected"),
  [
    (("optimizer.name=my_lab:signs", "optimizer.momentum=0"), -1e-3),
    (
      ("optimizer.name=optax:adamw", "optimizer.weight_decay=0.5"),
      -1.5e-3,
    ),
    (("optimizer.name=sgd", "optimizer.momentum=0"), -1e-3),
  ],
)
def test_own_and_other_optimisers(fields, expected):
  """Those of optax are such: functions of a schedule and keyword arguments."""
  settings = rooms(*fields, "optimizer.clip_norm=0", arg="full")
  np.testing.assert_allclose(step_of(settings), expected, rtol=1e-4)
  assert "betas" not in resolve.to_plain(settings)["optimizer"]


def test_every_group_has_the_own_optimiser():
  file = config_files.ROOT / "configs" / "rooms_mtpsl.py"
  settings = command_line.settings(str(file), ["optimizer.name=optax:lion"])
  assert settings.optimizer.rule.build is optax.lion
  assert settings.optimizer.groups["film_learning_rate"] == 1e-2
  method = build.make_method(settings, tasks_of(settings), 10.0)
  build_optimizer.make_optimizer(settings, method, 10.0)


@pytest.mark.parametrize(
  ("fields", "error"),
  [
    (("method.name=my_lab:sharper", "method.strength=0"), "more than 0"),
    (("method.name=my_lab:sharper", "method.strenght=1"), "method.strength'"),
    (
      ("method.name=my_lab:sharper", "method.label_weighting=mage"),
      "Did you mean 'image'",
    ),
    (("method.name=my_lab:sharper", "method.dist_weight=1"), "dist_weight"),
    (("method.name=my_lab:sharpr",), "Did you mean 'sharper'"),
    (("method.name=my_lb:sharper",), "ModuleNotFoundError.*PYTHONPATH"),
    (("method.name=my_broken:x",), r"ZeroDivisionError.*my_broken\.py, line 2"),
    (("method.name=my_lab:NUMBER",), "Found: a int"),
    (("method.name=my_lab:strict",), "'strength' without a default"),
    (("optimizer.name=optax:adamw", "optimizer.b3=1"), "optimizer.b3"),
  ],
)
def test_what_is_wrong_is_named(fields, error):
  with pytest.raises(ValueError, match=error):
    rooms(*fields)


@pytest.mark.parametrize(
  ("place", "make"),
  [
    ("method", lambda s: build.make_method(s, tasks_of(s), 1.0)),
    ("model", lambda s: build.make_model(s, tasks_of(s))),
    (
      "balancing.loss",
      lambda s: build_balancing.make_balancing(s, tasks_of(s), 1.0),
    ),
  ],
)
def test_a_part_that_makes_something_else_is_named(place, make):
  with pytest.raises(ValueError, match=r"'my_lab:nothing' makes.*Found: a int"):
    make(rooms(f"{place}.name=my_lab:nothing"))


def test_config_files_take_own_parts_too():
  config = presets.use_method(presets.base(), "my_lab:sharper", strength=4.0)
  assert resolve.resolve(config).method.fields["strength"] == 4.0
  with pytest.raises(ValueError, match="Did you mean 'strength'"):
    presets.use_method(presets.base(), "my_lab:sharper", strenth=4.0)


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


def test_an_own_reader_prepares_what_it_lists(tmp_path):
  fields = (
    "data.name=my_lab:scan",
    f"data.directory={tmp_path / 'greys'}",
    f"data.raw={tmp_path}",
    "data.size=(32,32)",
    "data.train_count=0",
    "data.val_count=0",
    "tasks=depth",
  )
  settings = rooms(*fields, "data.brightness=7", arg="full")
  for _ in range(2):  # prepared, then found again
    dataset = build.open_data(settings.data)
    assert dataset.manifest.split("train").ids == ("a", "b")
  record = dataset.source("train")[0]
  assert int(record["image"].max()) == 7
  (task,) = build.make_tasks(settings.tasks, dataset.manifest)
  assert type(task).__name__ == "RelativeDepth"
  other = rooms(*fields, "data.brightness=8", arg="full")
  with pytest.raises(ValueError, match=r"brightness 7.*brightness 8"):
    build.open_data(other.data)
  with pytest.raises(ValueError, match="more than 0"):
    rooms(*fields, "data.brightness=0", arg="full")


def test_a_further_source_may_have_an_own_reader(tmp_path):
  settings = rooms(
    "data.sources.extended.name=my_lab:scan",
    "data.sources.extended.brightness=9",
    arg=f"full,extended={tmp_path}",
  )
  reader = settings.data.sources["extended"].reader
  assert (reader.name, reader.fields) == ("my_lab:scan", {"brightness": 9})
  assert settings.data.reader.name == "rooms"
