"""`model.weights`: from other runs, imported networks and the package."""

import json
import shutil

import chex
import jax.numpy as jnp
import pytest

from jtr_jax import main
from jtr_jax.config import registry, saved
from jtr_jax.config.settings import ModelSettings
from jtr_jax.experiment import initial_weights, setup
from jtr_jax.models import published
from jtr_jax.models.networks import NetworkSettings, make_network
from jtr_jax.pretrained import fit, imported, package
from jtr_jax.tasks.depth import Depth
from jtr_jax.tensor_files import safetensors_file
from tests import short_training, small_config

SIZE = (32, 32)
FEW = {"train__epochs": 2, "train__steps": 3, "evaluate__pictures": 0}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_learnt():
  with short_training.nothing_is_learnt():
    yield


@pytest.fixture(scope="module")
def settings(rooms):
  return lambda **changes: small_config.settings(rooms, **{**FEW, **changes})


@pytest.fixture(scope="module")
def trained(settings, nothing_is_learnt, tmp_path_factory):
  folder = tmp_path_factory.mktemp("trained")
  main.train(settings(seed=7), folder)
  return folder


def network_of(folder):
  made = setup.make_experiment(saved.read(folder), folder)
  state = setup.restore_state(made, "latest").state
  stages = ("encoder", "decoder_segmentation", "decoder_depth")
  return {name: state.params[name] for name in stages}


def test_a_run_begins_with_the_network_of_another(settings, trained, tmp_path):
  source, folder = tmp_path / "source", tmp_path / "run"
  shutil.copytree(trained, source)
  own = settings(model__weights=str(source), model__weights_step="best", seed=1)
  main.train(own, folder)
  chex.assert_trees_all_equal(network_of(folder), network_of(trained))
  report = json.loads((folder / fit.REPORT).read_text())
  assert report["from"] == f"{source}, step 3"
  assert report["not_taken"] == []
  assert report["random"] == []
  # What resumes has its own parameters, and does not ask for the source.
  shutil.rmtree(source)
  made = setup.make_experiment(own, folder)
  assert initial_weights.read(made) is None


def test_a_head_of_a_task_that_is_new_is_random(settings, trained, tmp_path):
  own = settings(
    tasks=("depth", "normals"),
    data__scenario_tasks=("depth", "normals"),
    model__weights=str(trained),
  )
  main.train(own, tmp_path)
  report = json.loads((tmp_path / fit.REPORT).read_text())
  stage = lambda name: {n.partition("/")[0] for n in report[name]}
  assert stage("random") == {"decoder_normals"}
  assert stage("not_taken") == {"decoder_segmentation"}


@pytest.mark.parametrize(
  ("found", "text"),
  [
    ("nowhere", "no such folder.*weights import FILE"),
    ("net.pth", "a file.*Import it first: .*net.pth"),
    ("empty", "neither network.json nor a run"),
    ("stl", "the runs depth.*Name one of them"),
  ],
)
def test_weights_that_are_not_there_leave_no_workdir(
  settings, tmp_path, found, text
):
  (tmp_path / "net.pth").touch()
  (tmp_path / "empty").mkdir()
  (tmp_path / "stl" / "depth" / "checkpoints").mkdir(parents=True)
  own = settings(model__weights=str(tmp_path / found))
  with pytest.raises(ValueError, match=text):
    main.train(own, tmp_path / "run")
  assert not (tmp_path / "run" / "config.json").exists()


def test_the_network_of_another_width_is_an_error(settings, trained, tmp_path):
  own = settings(model__weights=str(trained), model__filters=(4, 8))
  with pytest.raises(ValueError, match="are not those of this network"):
    main.train(own, tmp_path)


def test_a_damaged_run_is_an_error(settings, trained, tmp_path):
  source = tmp_path / "source"
  shutil.copytree(trained, source)
  largest = max(
    (p for p in (source / "checkpoints").rglob("*") if p.is_file()),
    key=lambda path: path.stat().st_size,
  )
  largest.write_bytes(largest.read_bytes()[:-1])
  own = settings(model__weights=str(source))
  with pytest.raises(ValueError, match="cannot be read: it is damaged"):
    main.train(own, tmp_path / "run")


@pytest.fixture(scope="module")
def package_tensors():
  return package.read().tensors


def test_the_package_gives_the_backbone(package_tensors, caplog):
  name = "efficientnet_lite0"
  head = NetworkSettings("fpn", head_width=4, input="imagenet")
  net = make_network((Depth("depth"),), name, head, jnp.float32)
  part = registry.MODELS[name].part(name, input="imagenet")
  model = ModelSettings(part, "package")
  found = initial_weights.fitted(net, SIZE, model)
  variables = published.load(package.NETWORK, package_tensors)
  chex.assert_trees_all_equal(
    found.weights.params,
    {"encoder": {"backbone": variables["params"]["backbone"]}},
  )
  chex.assert_trees_all_equal(
    found.weights.model_state,
    {"encoder": {"backbone": variables["batch_stats"]["backbone"]}},
  )
  assert "_fc.weight" in found.not_taken
  assert all(name.startswith("decoder_depth/") for name in found.initialized)
  assert "expect images normalised as 'efficientnet_lite'" in caplog.text


def test_an_imported_folder_gives_the_same(package_tensors, tmp_path):
  path = tmp_path / "lite0.safetensors"
  safetensors_file.write_safetensors(path, package_tensors)
  imported.import_file(path, package.NETWORK, tmp_path / "net")
  folder, given = (
    initial_weights.open_source(str(weights), "latest")
    for weights in (tmp_path / "net", "package")
  )
  chex.assert_trees_all_equal(folder.weights, given.weights)
  assert folder.about == f"{tmp_path / 'net'} ({package.NETWORK})"


def test_the_package_does_not_fit_another_network(settings, tmp_path):
  own = settings(model__weights="package")
  with pytest.raises(ValueError, match=r"Set model\.name to the network"):
    main.train(own, tmp_path)
