import json
import re
import subprocess
import sys

import numpy as np
import pytest

import jtr_jax
from jtr_jax.export import __main__ as command
from jtr_jax.export import check, network, onnx_file, stablehlo
from tests import ROOT, untrained_run

EXAMPLES = re.findall(
  r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL
)


@pytest.fixture(scope="module")
def folder(rooms, tmp_path_factory):
  return untrained_run.make(rooms, tmp_path_factory.mktemp("run") / "a")


@pytest.fixture(scope="module")
def model(folder):
  return jtr_jax.load(folder)


@pytest.fixture(scope="module")
def exported(folder, tmp_path_factory):
  """A folder with the files that the page's examples read."""
  place = tmp_path_factory.mktemp("exported")
  for form in command.FORMATS:
    out = place / f"rooms.{form}"
    words = [f"--workdir={folder}", f"--format={form}", f"--out={out}"]
    assert command.main([*words, "--size=48x64"]) == 0
  return place


def expected(model, images):
  own = model.members[0].trained
  found, _ = own.net.predict(own.params, own.model_state, images, train=False)
  return found


@pytest.mark.parametrize("example", EXAMPLES, ids=command.FORMATS)
def test_file_works_in_a_program_without_this_package(example, exported, model):
  program = f"""
import sys
sys.modules.update(dict.fromkeys(("jtr_jax", "flax", "orbax")))
{example}
noise = np.random.default_rng(0).random((5, 48, 64, 3), np.float32)
if "onnxruntime" in sys.modules:
  names = [output.name for output in network.get_outputs()]
  found = dict(zip(names, network.run(names, {{"images": noise}})))
else:
  found = network.call(noise)
assert classes.shape == (5, 48, 64)
np.savez("found.npz", **found)
"""
  done = subprocess.run(
    [sys.executable, "-c", program],
    cwd=exported,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr
  noise = np.random.default_rng(0).random((5, 48, 64, 3), np.float32)
  with np.load(exported / "found.npz") as found:
    for name, value in expected(model, noise).items():
      np.testing.assert_allclose(found[name], value, atol=1e-4)


def test_files_are_described(exported):
  about = json.loads((exported / "rooms.onnx.json").read_text())
  assert about["input"]["shape"] == ["B", 48, 64, 3]
  assert about["input"]["training_size"] == [32, 32]
  assert list(about["outputs"]) == ["segmentation", "depth", "normals"]
  assert about["outputs"]["segmentation"]["shape"] == ["B", 48, 64, 13]
  assert about["outputs"]["depth"]["unit"] == "m"


def test_stablehlo_is_for_all_platforms_and_any_size(model):
  own = network.of_model(model, None)
  data = stablehlo.write(own)
  read = stablehlo.read(data)
  assert max(check.compare(own, read).values()) < 1e-5
  shapes = {own.example(b, larger=b - 1).shape for b in (1, 3)}
  assert shapes == {(1, 4, 8, 3), (3, 12, 16, 3)}
  for platform in stablehlo.PLATFORMS:
    assert platform.encode() in data


def test_one_size_alone_goes_into_onnx(model):
  with pytest.raises(ValueError, match="for images of one size"):
    onnx_file.write(network.of_model(model, None))


def test_a_file_with_other_numbers_is_refused(model):
  own = network.of_model(model, (8, 8))
  right = stablehlo.read(stablehlo.write(own))

  def wrong(images):
    found = right(images)
    return {**found, "depth": found["depth"] + 0.01}

  with pytest.raises(ValueError, match=r"depth off by 0\.01"):
    check.compare(own, wrong)
  with pytest.raises(ValueError, match="no output 'normals'"):
    check.compare(
      own, lambda x: {n: v for n, v in right(x).items() if n != "normals"}
    )


@pytest.mark.parametrize(
  ("words", "message"),
  [
    (["--out=EXISTS"], "or add --overwrite"),
    (["--out=nowhere/file"], "no folder nowhere"),
    (["--workdir=nowhere"], "no run in this workdir"),
    (["--size=any", "--format=onnx"], "for images of one size"),
    (["--size=0x8"], "Images of 0x8 pixels are none"),
  ],
)
def test_bad_input_ends_with_one_message(
  words, message, folder, tmp_path, capsys
):
  there = tmp_path / "there"
  there.write_text("")
  words = [word.replace("EXISTS", str(there)) for word in words]
  out = tmp_path / "out"
  assert command.main([f"--workdir={folder}", f"--out={out}", *words]) == 1
  assert message in capsys.readouterr().err
  assert [path.name for path in tmp_path.iterdir()] == ["there"]
  assert there.read_text() == ""


def test_several_runs_are_not_one_file(model):
  both = type(model)(model.members * 2)
  with pytest.raises(ValueError, match="one network"):
    network.of_model(both, "training")
