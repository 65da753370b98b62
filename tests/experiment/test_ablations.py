"""Every ablation that a page documents is a field of a config."""

import re
import shlex

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.config import build, resolve
from jtr_jax.core.types import Label
from jtr_jax.data.datasets import nyuv2
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.methods.base import MethodInput
from jtr_jax.models.segnet import features
from tests import config_files

SIZE = (32, 32)


def commands():
  """Return {name of the workdir: config flags} of all documented commands."""
  text = "".join(
    (config_files.ROOT / "docs" / f"{page}.md").read_text()
    for page in ("jtr", "mtpsl")
  )
  lines = re.findall(r"^python -m jtr_jax\.main (.*)$", text, re.MULTILINE)
  split = [shlex.split(line) for line in lines]
  return {
    words[-1].rpartition("/")[2]: [w for w in words if "--config" in w]
    for words in split
  }


COMMANDS = commands()


def traced(words):
  """Return shapes of the method's parameters and of its regularisers."""
  settings = resolve.resolve(config_files.from_flags(words))
  data = Manifest("test", SIZE, nyuv2.TASKS, {}, {})
  tasks = build.make_tasks(settings.tasks, data)
  method = build.make_method(settings, tasks, 10.0)
  views, batch = len(method.views), 2
  maps = lambda *tail: jnp.zeros((views, batch, *tail))
  labels = {
    task.name: Label(
      maps(*SIZE).astype(np.int32)
      if task.kind == "segmentation"
      else maps(*SIZE, task.channels),
      maps(*SIZE) == 0,
      maps() == 0,
    )
    for task in tasks
  }

  def run():
    params, state = method.init(jax.random.key(0), SIZE)
    seen = MethodInput(
      {task.name: maps(*SIZE, task.channels) for task in tasks},
      features(
        maps(1, 1, settings.model.network.fields["filters"][-1]),
        maps(*SIZE, 64),
        SIZE,
        5,
      ),
      labels,
      jnp.zeros((), jnp.int32),
      jax.random.key(1),
    )
    return params, method.losses(params, state, seen).regularizers

  params, terms = jax.eval_shape(run)
  assert all(term.shape == (batch,) for term in terms.values())
  return settings, params, terms


def test_all_are_documented():
  assert set(COMMANDS) == {
    "jtr_without_reconstruction",
    "jtr_l1",
    "jtr_l2",
    "jtr_bottleneck_256",
    "jtr_bottleneck_1024",
    "mtpsl_without_regularizer",
  }


def test_without_reconstruction():
  _, _, terms = traced(COMMANDS["jtr_without_reconstruction"])
  assert set(terms) == {"jtr_distance"}


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_distance(distance):
  settings, _, terms = traced(COMMANDS[f"jtr_{distance}"])
  assert settings.method.fields["distance"] == f"{distance}_norm"
  assert "jtr_reconstruction" in terms


@pytest.mark.parametrize("width", [256, 1024])
def test_bottleneck(width):
  _, params, _ = traced(COMMANDS[f"jtr_bottleneck_{width}"])
  deepest = params["trunk"]["encoder4"]
  assert deepest["conv2"]["kernel"].shape[-1] == width


def test_mtpsl_without_regularizer():
  settings, _, terms = traced(COMMANDS["mtpsl_without_regularizer"])
  assert settings.method.fields["regularizer_weight"] == 0
  assert set(terms) == {"cross_task"}
