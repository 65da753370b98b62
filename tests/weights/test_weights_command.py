import chex
import numpy as np
import pytest

from jtr_jax.config import trained
from jtr_jax.models import published
from jtr_jax.pretrained import imported
from jtr_jax.tensor_files import safetensors_file
from jtr_jax.weights import __main__ as command
from tests import untrained_run
from tests.pretrained.test_imported import NETWORK, draw


@pytest.fixture(scope="module")
def good(tmp_path_factory):
  path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
  safetensors_file.write_safetensors(path, draw(NETWORK))
  return path


def run(capsys, *words):
  code = command.main([str(word) for word in words])
  return (code, *capsys.readouterr())


def test_lists_every_network(capsys):
  code, out, _ = run(capsys, "list")
  assert code == 0
  assert out.split() == list(published.NETWORKS)


def test_shows_the_tensors_and_whose_they_are(good, capsys):
  code, out, _ = run(capsys, "show", good)
  assert code == 0
  assert "102 tensors" in out
  assert "64 x 3 x 7 x 7" in out
  assert f"--network={NETWORK}" in out


def test_shows_what_a_similar_network_would_lack(tmp_path, capsys):
  tensors = draw(NETWORK)
  tensors["extra"] = tensors.pop("fc.bias")
  path = tmp_path / "similar.safetensors"
  safetensors_file.write_safetensors(path, tensors)
  code, out, _ = run(capsys, "show", path)
  assert code == 0
  assert f"Nearest: {NETWORK}, 1 missing (fc.bias), 1 left over (extra)" in out


def test_shows_that_nothing_is_similar(tmp_path, capsys):
  path = tmp_path / "other.safetensors"
  safetensors_file.write_safetensors(path, {"a.b": np.zeros((), np.float16)})
  code, out, _ = run(capsys, "show", path)
  assert code == 0
  assert "float16" in out
  assert "No known network has most of these tensors." in out


def test_imports_a_file(good, tmp_path, capsys):
  out_folder = tmp_path / "net"
  code, out, _ = run(
    capsys, "import", good, f"--network={NETWORK}", f"--out={out_folder}"
  )
  assert code == 0
  assert f"{out_folder}: 102 tensors of {NETWORK}" in out
  assert imported.read(out_folder).network == NETWORK


@pytest.mark.parametrize(
  ("words", "message"),
  [
    (("show", "missing.pth"), "missing.pth"),
    (("show", "."), "Found: ., a folder"),
    (("import", "missing.pth", "--network=x", "--out=y"), "missing.pth"),
  ],
)
def test_errors_are_one_line(words, message, capsys):
  code, out, error = run(capsys, *words)
  assert code == 1
  assert out == ""
  assert message in error
  assert error.count("\n") == 1


@pytest.fixture(scope="module")
def segnet(rooms, tmp_path_factory):
  """Return the workdir of a run with a SegNet as deep as the released one."""
  folder = tmp_path_factory.mktemp("runs") / "segnet"
  widths = {"model__filters": (2, 3, 4, 5, 5)}
  return untrained_run.make(rooms, folder, **widths)


def test_a_run_is_exported_and_comes_back_exactly(segnet, tmp_path, capsys):
  file, folder = tmp_path / "net.safetensors", tmp_path / "net"
  code, out, _ = run(capsys, "export", segnet, f"--out={file}")
  assert code == 0
  assert "tensors of jtr.segnet, step" in out
  code, _, _ = run(
    capsys, "import", file, "--network=jtr.segnet", f"--out={folder}"
  )
  assert code == 0
  back, own = imported.read(folder).variables, trained.restore(segnet, "latest")
  tasks = {
    f"task{n}": own.params[f"decoder_{task}"]
    for n, task in enumerate(("segmentation", "depth", "normals"), start=1)
  }
  expected = {"backbone": own.params["encoder"], "top": tasks}
  chex.assert_trees_all_equal(back["params"], expected)
  chex.assert_trees_all_equal(
    back["batch_stats"]["backbone"], own.model_state["encoder"]
  )


def test_an_export_overwrites_nothing(segnet, tmp_path, capsys):
  file = tmp_path / "net.safetensors"
  file.write_bytes(b"mine")
  code, _, error = run(capsys, "export", segnet, f"--out={file}")
  assert code == 1
  assert "a new file" in error
  assert file.read_bytes() == b"mine"


def test_export_under_names_of_another_network_is_an_error(
  segnet, tmp_path, capsys
):
  code, _, error = run(
    capsys,
    "export",
    segnet,
    f"--out={tmp_path / 'net.safetensors'}",
    f"--network={NETWORK}",
  )
  assert code == 1
  assert "This network is not the published one" in error
  assert not (tmp_path / "net.safetensors").exists()
