import json
import shutil

import chex
import ml_dtypes
import numpy as np
import pytest

from jtr_jax.models import published
from jtr_jax.pretrained import imported
from jtr_jax.tensor_files import safetensors_file
from tests.tensor_files import handmade_pickles as handmade

NETWORK = "torchvision.resnet18"


def draw(name, *, dtype=np.float32):
  """Tensors of a network under its published names."""
  network, random = published.find(name), np.random.default_rng(0)
  shapes, tensors = network.shapes(), {}
  for row in network.tables[0]:
    shape = published.tensors.published_shape(row, shapes[row.path])
    tensors[row.name] = random.integers(-8, 9, shape).astype(dtype) / 8
  return tensors


@pytest.fixture(scope="module")
def tensors():
  return draw(NETWORK)


@pytest.fixture(scope="module")
def good(tensors, tmp_path_factory):
  path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
  safetensors_file.write_safetensors(path, tensors)
  return path


@pytest.fixture
def write(tmp_path):
  def write(tensors):
    path = tmp_path / "given.safetensors"
    safetensors_file.write_safetensors(path, tensors)
    return path

  return write


def test_a_network_comes_back_as_it_was(good, tensors, tmp_path):
  made = imported.import_file(good, NETWORK, tmp_path / "net")
  found = imported.read(tmp_path / "net")
  assert found.network == made.network == NETWORK
  assert found.about == made.about
  chex.assert_trees_all_equal(found.variables, made.variables)
  exported = published.export(NETWORK, found.variables)
  assert exported.keys() == tensors.keys()
  for name, array in tensors.items():
    assert exported[name].dtype == np.float32
    np.testing.assert_array_equal(exported[name], array)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_becomes_float32_exactly(
  tensors, write, tmp_path, dtype
):
  halved = {name: array.astype(dtype) for name, array in tensors.items()}
  imported.import_file(write(halved), NETWORK, tmp_path / "net")
  found = imported.read(tmp_path / "net")
  exported = published.export(NETWORK, found.variables)
  for name, array in tensors.items():
    np.testing.assert_array_equal(exported[name], array)


def test_a_checkpoint_with_counters_and_prefixes(tensors, tmp_path):
  wrapped = {f"module.{name}": array for name, array in tensors.items()}
  wrapped["module.bn1.num_batches_tracked"] = np.array(7)
  path = tmp_path / "checkpoint.pth"
  path.write_bytes(handmade.torch_file(wrapped, legacy=False))
  found = imported.import_file(path, NETWORK, tmp_path / "net")
  assert found.about["prefix"] == "module."
  assert found.about["ignored"] == []
  assert found.about["tensors"] == len(tensors)


def test_ignored_tensors_are_listed(tensors, write, tmp_path):
  given = {n: a for n, a in tensors.items() if n != "fc.bias"}
  given["head.extra"] = np.zeros(2, np.float32)
  found = imported.import_file(
    write(given), NETWORK, tmp_path / "net", ignore=["fc.*", "head.*"]
  )
  assert found.about["ignored"] == ["fc.weight", "head.extra"]
  assert "top" not in imported.read(tmp_path / "net").variables["params"]


def without(name):
  return lambda tensors: {n: a for n, a in tensors.items() if n != name}


def with_array(name, array):
  return lambda tensors: {**tensors, name: array}


BAD = {
  "missing": (without("layer1.0.bn1.bias"), NETWORK, "layer1.0.bn1.bias"),
  "left over": (with_array("x.y", np.zeros(1)), NETWORK, "'x.y' left over"),
  "shape": (
    with_array("layer1.0.bn1.bias", np.zeros(3)),
    NETWORK,
    "layer1.0.bn1.bias.*wrong shape",
  ),
  "not a number": (
    with_array("bn1.weight", np.full(64, np.nan, np.float32)),
    NETWORK,
    r"NaN or infinity in 1 tensors, first 'bn1\.weight'",
  ),
  "another network": (
    lambda tensors: tensors,
    "torchvision.resnet34",
    r"The names are those of torchvision\.resnet18",
  ),
  "unknown network": (
    lambda tensors: tensors,
    "torchvision.resnet81",
    "Did you mean 'torchvision.resnet18'",
  ),
}


@pytest.mark.parametrize("name", BAD)
def test_says_what_is_wrong_and_writes_nothing(tensors, write, tmp_path, name):
  change, network, message = BAD[name]
  path, out = write(change(tensors)), tmp_path / "net"
  with pytest.raises(ValueError, match=message) as raised:
    imported.import_file(path, network, out)
  assert str(path) in str(raised.value)
  assert "\n" not in str(raised.value)
  assert not out.exists()


def test_a_folder_with_something_in_it_is_left_alone(good, tmp_path):
  (tmp_path / "notes.txt").write_text("mine")
  for out in (tmp_path, tmp_path / "notes.txt"):
    with pytest.raises(ValueError, match="There is something"):
      imported.import_file(good, NETWORK, out)
  assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_place_that_cannot_be_written(good, tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(OSError, match="cannot be written"):
    imported.import_file(good, NETWORK, tmp_path / "file" / "net")


def _cut_description(folder):
  path = folder / imported.DESCRIPTION
  path.write_text(path.read_text()[:-9])


def _rename_network(folder):
  path = folder / imported.DESCRIPTION
  about = json.loads(path.read_text())
  path.write_text(json.dumps({**about, "network": "torchvision.resnet34"}))


def _cut_weights(folder):
  path = folder / "weights.safetensors"
  path.write_bytes(path.read_bytes()[:-4])


CHANGES = {
  "no folder": (shutil.rmtree, "has no imported network"),
  "a list": (
    lambda folder: (folder / imported.DESCRIPTION).write_text("[]"),
    "has no imported network",
  ),
  "a cut description": (_cut_description, "has no imported network"),
  "another network": (_rename_network, "not those of this network"),
  "cut weights": (_cut_weights, "damaged"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_folder_is_refused(good, tmp_path, name):
  change, message = CHANGES[name]
  imported.import_file(good, NETWORK, tmp_path / "net")
  change(tmp_path / "net")
  with pytest.raises(ValueError, match=message):
    imported.read(tmp_path / "net")
