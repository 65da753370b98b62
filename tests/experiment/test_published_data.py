"""A training step of the papers' configs, on files as they are published."""

import pytest

from jtr_jax import main
from jtr_jax.config import build, presets, resolve
from jtr_jax.data.__main__ import main as data_command
from jtr_jax.experiment import data_mixture, evaluation
from jtr_jax.workdir import result_card
from tests import config_files, short_training
from tests.data.datasets import (
  cifar_files,
  cityscapes_tree,
  pascal_tree,
  taskonomy_tree,
)

SEVEN = (
  "segmentation",
  "depth",
  "normals",
  "edge_occlusion",
  "reshading",
  "keypoints2d",
  "edge_texture",
)
# Config -> how its files are written, how prepared, its network, its tasks.
CONFIGS = {
  "cityscapes_supervised": (
    cityscapes_tree.write_mtan,
    "cityscapes",
    "segnet",
    ("segmentation", "depth"),
  ),
  "cityscapes_ial": (
    cityscapes_tree.write_auto_lambda,
    "cityscapes --distance=disparity",
    "resnet50",
    ("segmentation", "part_segmentation", "disparity"),
  ),
  "taskonomy_supervised:scenario=full": (
    taskonomy_tree.write,
    "taskonomy --skip_missing",
    "segnet",
    SEVEN,
  ),
  "pascal_supervised": (
    pascal_tree.write_pascal,
    "pascal",
    "resnet18",
    ("segmentation", "human_parts", "normals", "saliency", "edges"),
  ),
  "nyud_supervised": (
    pascal_tree.write_nyud,
    "nyud",
    "resnet50",
    ("segmentation", "depth", "normals"),
  ),
  "cifar_supervised:tasks=people+fruit_and_vegetables": (
    lambda root: cifar_files.write(root / "cifar-100-python"),
    "cifar",
    "vgg16_bn",
    ("people", "fruit_and_vegetables"),
  ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_every_data_set(name, tmp_path, monkeypatch):
  write, command, network, tasks = CONFIGS[name]
  write(tmp_path / "raw")
  place = [f"--raw={tmp_path / 'raw'}", f"--out={tmp_path / 'data'}"]
  words = ["prepare", *command.split(), *place, "--size=32x32"]
  assert data_command(words) == 0
  file, _, arg = name.partition(":")
  config = config_files.load(file, arg)
  assert config.model.name == network
  config.data.directory = str(tmp_path / "data")
  published = resolve.resolve(config)
  data = data_mixture.open_sources(published)
  assert set(data.tasks) == set(tasks)
  made = build.make_tasks(published.tasks, data.manifest)
  assert len(build.make_model(published, made).decoders) == len(tasks)
  presets.use_model(config, "segnet", filters=(4, 4))
  config.train.update(steps=1, batch_size=2)
  config.evaluate.pictures = 0
  monkeypatch.setattr(evaluation.evaluate, "evaluate", short_training.evaluate)
  main.train(resolve.resolve(config), tmp_path / "run")
  card = result_card.read(tmp_path / "run")
  assert {outcome.step for outcome in card.outcomes} == {1}
  assert set(card.label_counts) == set(tasks)
