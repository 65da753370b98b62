"""The golden files go through the command line, as a user's files do."""

import subprocess
import sys

import numpy as np
import pytest

from jtr_jax.verify.__main__ import main
from tests import GOLDEN

AUGMENT = GOLDEN / "augment.npz"


@pytest.fixture(scope="module")
def arrays():
  with np.load(AUGMENT) as archive:
    return dict(archive)


@pytest.fixture
def check(tmp_path, capsys):
  """Run the command on altered arrays; return its exit code and output."""

  def run(arrays):
    path = tmp_path / "altered.npz"
    np.savez(path, **arrays)
    return main([str(path)]), capsys.readouterr().out

  return run


def small(arrays, *keep):
  """Inputs and a part of the expected arrays."""
  inputs = ("image", "image_low_contrast", "seg", "depth", "normal", "kind")
  return {
    name: array
    for name, array in arrays.items()
    if name in inputs or name.startswith(("crop0/", "op/", *keep))
  }


def test_augment_agrees(capsys):
  assert main([str(AUGMENT)]) == 0
  out = capsys.readouterr().out
  assert out.count(" ok\n") == 90
  assert "90 agree, 0 differ" in out


@pytest.mark.parametrize(
  ("name", "change"),
  [
    ("crop0/image", 1e-3),
    ("crop0/seg", 1),
    ("crop0/depth", 1e-3),
    ("crop0/normal", 1e-3),
    ("op/equalize_low/0", 1 / 255),
    ("op/sharpness/-0.45", 1e-3),
  ],
)
def test_one_perturbed_number_fails(arrays, check, name, change):
  altered = small(arrays)
  altered[name] = altered[name].copy()
  altered[name].flat[np.argmax(altered[name])] += change
  code, out = check(altered)
  assert code == 1
  (line,) = (line for line in out.splitlines() if "MISMATCH" in line)
  assert name in line


@pytest.mark.parametrize(
  "name",
  [
    "kind",
    "image",
    "seg",
    "image_low_contrast",
    "crop0/params_scale_h_w_top_left",
    "crop0/depth",
    "op/brightness/0.15",
    "op/brightness/-0.15",
    "op/autocontrast/0",
    "op/equalize_low/0",
  ],
)
def test_one_missing_quantity_fails(arrays, check, name):
  altered = small(arrays)
  del altered[name]
  code, out = check(altered)
  assert code == 1
  assert "Missing quantity" in out
  assert name in out or "<magnitude>" in out


@pytest.mark.parametrize("prefix", ["crop0/", "op/posterize/", "op/"])
def test_a_missing_section_fails(arrays, check, prefix):
  altered = {
    name: array
    for name, array in small(arrays, "crop1/").items()
    if not name.startswith(prefix)
  }
  code, out = check(altered)
  assert code == 1
  assert "Missing quantity" in out


def test_an_unknown_operation_fails(arrays, check):
  code, out = check(small(arrays) | {"op/hue/0.1": arrays["image"]})
  assert code == 1
  assert "Unknown colour operation" in out


def test_an_input_of_the_wrong_shape_fails(arrays, check):
  code, out = check(small(arrays) | {"depth": arrays["depth"][:, 1:]})
  assert code == 1
  assert "'depth' has the wrong shape" in out


def test_an_unknown_kind_fails(arrays, check):
  code, out = check({"kind": np.array("augmented")})
  assert code == 1
  assert "Did you mean 'augment'?" in out


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", None, "npy"])
def test_an_unreadable_file_fails_and_the_others_are_still_checked(
  tmp_path, capsys, content
):
  path = tmp_path / "bad.npz"
  if content == "npy":
    with path.open("wb") as file:
      np.save(file, np.zeros(3))
  elif content is not None:
    path.write_bytes(content)
  second = tmp_path / "second.npz"
  np.savez(second, kind=np.array("other"))
  assert main([str(path), str(second)]) == 1
  out = capsys.readouterr().out
  problem = f"Cannot read {path}" if path.exists() else "where nothing is"
  assert problem in out
  assert "Unknown kind" in out


def test_a_truncated_file_fails(tmp_path, capsys):
  path = tmp_path / "short.npz"
  path.write_bytes(AUGMENT.read_bytes()[:100_000])
  assert main([str(path)]) == 1
  assert "Cannot read" in capsys.readouterr().out


def test_pickled_objects_are_refused(tmp_path, capsys):
  path = tmp_path / "pickled.npz"
  np.savez(path, kind=np.array([{}], dtype=object))
  assert main([str(path)]) == 1
  assert "Cannot read" in capsys.readouterr().out


def test_the_module_runs_as_a_command(tmp_path):
  run = subprocess.run(
    [sys.executable, "-m", "jtr_jax.verify", str(tmp_path / "none.npz")],
    capture_output=True,
    text=True,
    check=False,
  )
  assert run.returncode == 1
  assert "where nothing is" in run.stdout
