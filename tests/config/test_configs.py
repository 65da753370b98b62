import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.config import (
  build,
  build_optimizer,
  class_halves,
  presets,
  pretrained_presets,
  published_data,
  resolve,
)
from jtr_jax.data.augment.views import make_views
from jtr_jax.data.datasets import nyuv2
from jtr_jax.data.loading.examples import Examples, to_images, to_labels
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.data.rooms import generate
from jtr_jax.methods.base import MethodInput
from jtr_jax.train.forward import run_views
from jtr_jax.train.state import init_state
from tests import config_files

SIZE = (32, 32)
TASKS = {
  "nyuv2": nyuv2.TASKS,
  "cityscapes": {
    "segmentation": {"kind": "segmentation", "classes": ["road", "sky"]},
    "depth": {"kind": "inverse_depth"},
  },
  "taskonomy": generate.TASKS,
  "rooms": generate.TASKS,
  "folder": {
    "segmentation": {"kind": "segmentation", "classes": ["road", "sky"]},
    "distance": {"kind": "inverse_depth"},
    "edge_texture": {"kind": "regression"},
  },
}
VARIANTS = [
  "nyu_jtr:",
  "nyu_jtr:variant=official",
  "nyu_jtr:onelabel+unlabelled30,variant=official",
  "nyu_jtr:halflabels+unlabelled50,data=rooms",
  "nyu_supervised:variant=official",
  "nyu_consistency:data=rooms",
  "rooms_jtr:tasks=segmentation+depth+normals+edge_occlusion+reshading",
  "rooms_jtr:tasks=depth+normals",
  "rooms_supervised:full,balancing=imtl",
  "rooms_consistency:variant=official",
  "nyu_stl:task=depth",
  "rooms_stl:task=reshading,tasks=depth+reshading",
  "nyu_mtpsl:variant=official",
  "rooms_mtpsl:tasks=segmentation+depth+normals+edge_occlusion+reshading",
  "nyu_direct_map:",
  "nyu_perceptual_map:data=rooms",
  "rooms_direct_map:tasks=depth+normals",
  "rooms_perceptual_map:",
  "rooms_demo:",
  "rooms_must:teachers=A+B",
  "nyu_must:onelabel",
  "nyu_vocabularies:method=jtr",
  "cityscapes_jtr:",
  "taskonomy_mtpsl:tasks=segmentation+depth+reshading",
  "folder_jtr:DIR",
  "folder_jtr:DIR,method=consistency,laptop,tasks=distance",
  "nyu_pretrained:",
  "nyu_pretrained:randomlabels,method=mtpsl,data=rooms",
  "rooms_pretrained:onelabel,method=cross_task_maps,balancing=uw",
  "folder_pretrained:DIR,size=96x128,method=jtr",
]
# A step of each data set: tests/experiment/test_published_data.py.
TRAINED = {
  f"{data}_{method}"
  for data in ("cityscapes", "taskonomy", "pascal", "nyud", "cifar")
  for method in ("jtr", "supervised", "consistency", "mtpsl", "stl", "ial")
}
# These trace with the networks of their files, the others with small ones.
AS_THEY_ARE = {
  "nyu_jtr:",
  "nyu_mtpsl:variant=official",
  "nyu_perceptual_map:data=rooms",
  "rooms_jtr:tasks=depth+normals",
}
SMALL = {"model__filters": (4, 4)}
COMMANDS = [
  pytest.param(words, id=" ".join(words).replace("--config=configs/", ""))
  for path in config_files.FILES
  for words in config_files.documented_commands(path)
]


def test_every_file_has_a_variant_and_a_command():
  assert set(VARIANTS) > AS_THEY_ARE
  names = {path.stem for path in config_files.FILES}
  traced = {variant.split(":")[0] for variant in VARIANTS}
  assert traced <= names <= traced | TRAINED
  for path in config_files.FILES:
    assert config_files.documented_commands(path), path
    assert len(path.read_text().split("\n")) <= 61, path


@pytest.mark.parametrize(
  ("name", "arguments"),
  [
    ("nyu_jtr", presets.NYU_ARGUMENTS),
    ("rooms_jtr", presets.ROOMS_ARGUMENTS),
    ("folder_jtr", presets.FOLDER_ARGUMENTS),
    ("nyu_vocabularies", class_halves.ARGUMENTS),
    ("cityscapes_jtr", published_data.CITYSCAPES_ARGUMENTS),
    ("cityscapes_ial", published_data.AUTO_LAMBDA_ARGUMENTS),
    ("taskonomy_jtr", published_data.TASKONOMY_ARGUMENTS),
    ("pascal_supervised", published_data.PASCAL_ARGUMENTS),
    ("nyud_supervised", published_data.NYUD_ARGUMENTS),
    ("cifar_supervised", published_data.CIFAR_ARGUMENTS),
    ("nyu_pretrained", pretrained_presets.NYU_ARGUMENTS),
    ("folder_pretrained", pretrained_presets.FOLDER_ARGUMENTS),
  ],
)
def test_arguments_are_documented_with_their_defaults(name, arguments):
  text = (config_files.ROOT / "configs" / f"{name}.py").read_text()
  found = re.findall(r"^  (\w+)=([^:]*):", text, re.MULTILINE)
  assert sorted(argument for argument, _ in found) == sorted(arguments)
  for argument, value in found:
    parsed = presets.parse_arg(f"{argument}={value}", **arguments)
    assert parsed == arguments, argument


@pytest.mark.parametrize("words", COMMANDS)
def test_documented_commands_are_valid(words):
  resolve.resolve(config_files.from_flags(words))


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_of_every_variant_trace(variant):
  name, _, arg = variant.partition(":")
  small = {} if variant in AS_THEY_ARE else dict(SMALL)
  if "pretrained" in name:
    small = {"model__width_factor": 0.1, "model__depth_factor": 0.1}
  elif small and ("map" in name or "mtpsl" in name):
    small["method__mapping_filters"] = (4, 4)
  settings = config_files.settings(name, arg, **small)
  data = Manifest("test", SIZE, TASKS[settings.data.reader.name], {}, {})
  tasks = build.make_tasks(settings.tasks, data)
  net = build.make_model(settings, tasks)
  method = build.make_method(settings, tasks, 10.0)
  optimizer = build_optimizer.make_optimizer(settings, method, 10.0)

  def losses(examples):
    state = init_state(net, method, optimizer, size=SIZE, seed=settings.seed)
    images, labels = make_views(
      to_images(examples),
      to_labels(examples),
      jax.random.split(jax.random.key(0), 2),
      tasks,
      method.views,
      settings.augment,
    )
    params, model_state = state.params, state.model_state
    seen, _ = run_views(net, params, model_state, images, method.views)
    return method.losses(
      params["method"],
      model_state["method"],
      MethodInput(*seen, labels, state.step, jax.random.key(1)),
    )

  output = jax.eval_shape(losses, _batch(data, tasks, batch=2))
  assert set(output.task_losses) == {task.name for task in tasks}
  for term in jax.tree.leaves((output.task_losses, output.regularizers)):
    assert (term.shape, term.dtype) == ((2,), jnp.float32)
  assert ("jtr_distance" in output.regularizers) == (
    settings.method.name == "jtr"
  )


def _batch(manifest, tasks, batch):
  shapes = {task.name: manifest.form(task.name) for task in tasks}
  array = lambda shape, dtype: jax.ShapeDtypeStruct((batch, *shape), dtype)
  return Examples(
    image=array((*SIZE, 3), np.uint8),
    stored={name: array(f.shape, f.dtype) for name, f in shapes.items()},
    present={name: array((), jnp.bool_) for name in shapes},
    sample=array((), np.int32),
    epoch=array((), np.int32),
  )
