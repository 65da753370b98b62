import shutil

import jax
import numpy as np
import pytest
from PIL import Image

import jtr_jax
from jtr_jax.card import __main__ as command
from jtr_jax.config import trained
from jtr_jax.data.rooms import generate
from jtr_jax.tensor_files import safetensors_file
from jtr_jax.workdir import network_file, result_card
from jtr_jax.workdir.network_file import NetworkFile
from jtr_jax.workdir.result_card import Outcome, ResultCard
from tests import GOLDEN

TASKS = ("segmentation", "depth")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """A run of an older program, with the files that runs have today."""
  place = tmp_path_factory.mktemp("run") / "a"
  shutil.copytree(GOLDEN / "old_workdir" / "jtr", place)
  tasks = {name: generate.TASKS[name] for name in TASKS}
  network_file.write(place, NetworkFile((32, 32), "stretch", tasks))
  metrics = {"segmentation/miou": 0.25, "depth/abs_err": 0.8125}
  card = ResultCard(
    name="test",
    outcomes=(Outcome("last", 12, "val", metrics),),
    directions={"segmentation/miou": 1, "depth/abs_err": -1},
    baseline=None,
    seeds={"seed": 0},
    scenario="randomlabels",
    label_counts={"segmentation": 4, "depth": 5},
    images=8,
    versions={},
    config="test",
  )
  result_card.write(place, card)
  (place / "pictures").mkdir()
  Image.new("RGB", (8, 8)).save(place / "pictures" / "predictions.png")
  return place


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):
  out = tmp_path_factory.mktemp("hub") / "my_network"
  words = [f"--workdir={folder}", f"--out={out}", "--license=cc-by-4.0"]
  assert command.main([*words, "--which=latest"]) == 0
  return out


def test_folder_has_the_files_of_the_hub(made):
  names = {path.name for path in made.iterdir()}
  assert names == {
    "README.md",
    "config.json",
    "model.safetensors",
    "network.json",
    "predictions.png",
  }
  assert not made.with_name("my_network.tmp").exists()


def test_network_is_that_of_the_run(made, folder):
  ours, theirs = (trained.restore(f, "latest") for f in (made, folder))
  assert ours.step == theirs.step
  for tree, other in (
    (ours.params, theirs.params),
    (ours.model_state, theirs.model_state),
  ):
    jax.tree.map(np.testing.assert_array_equal, tree, other)
  assert list(jtr_jax.load(made).tasks) == list(TASKS)


def test_card_says_what_the_network_is(made):
  text = (made / "README.md").read_text()
  front = text.split("---")[1]
  assert 'license: "cc-by-4.0"' in front
  assert "library_name: jtr_jax" in front
  assert "pipeline_tag: image-segmentation" in front
  assert "# my_network" in text
  assert "| depth | depth | H x W x 1 m |  |" in text
  assert "depth/abs_err ↓ | 0.8125" in text
  assert "](predictions.png)" in text


def test_other_weights_are_refused(made, tmp_path):
  copy = shutil.copytree(made, tmp_path / "copy")
  tensors = safetensors_file.read_safetensors(copy / "model.safetensors")
  name = next(name for name in tensors if name.startswith("params/"))
  tensors[name] = tensors[name][..., :1]
  safetensors_file.write_safetensors(copy / "model.safetensors", tensors)
  with pytest.raises(ValueError, match="is not of the network") as caught:
    jtr_jax.load(copy)
  assert name in str(caught.value)


@pytest.mark.parametrize(
  ("words", "message"),
  [
    (["--out=MADE"], "Found: a folder"),
    (["--workdir=nowhere"], "no run in this workdir"),
  ],
)
def test_bad_input_ends_with_one_message(
  words, message, made, folder, tmp_path, capsys
):
  words = [word.replace("MADE", str(made)) for word in words]
  out = tmp_path / "out"
  usual = [f"--workdir={folder}", f"--out={out}", "--which=latest"]
  assert command.main([*usual, *words]) == 1
  assert message in capsys.readouterr().err
  assert list(tmp_path.iterdir()) == []
