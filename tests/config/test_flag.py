"""A wrong command line ends with one line and exit code 1."""

import sys

import pytest
from absl import flags

from jtr_jax.config import flag
from tests import config_files

ROOMS = f"{config_files.ROOT}/configs/rooms_jtr.py"
FOLDER = f"{config_files.ROOT}/configs/folder_jtr.py"


@pytest.fixture
def run(monkeypatch, capsys):
  """Return a command that takes --config, and what it does with words."""

  def start(*words):
    found = []
    monkeypatch.setattr(sys, "argv", ["program", *words])
    with pytest.raises(SystemExit) as caught:
      flag.run(lambda argv: found.append(flag.given()))
    printed = capsys.readouterr().err
    return caught.value.code, printed, found

  yield start
  flags.FLAGS.unparse_flags()
  for name in ("config", "config_field"):
    flags.FLAGS[name].unparse()


def test_a_good_command_runs(run):
  code, _, (settings,) = run(
    f"--config={ROOMS}:onelabel",
    "--config.train.epochs=3",
    "--noconfig.augment.enabled",
    "--config.tasks",
    "depth",
  )
  assert not code
  assert settings.train.epochs == 3
  assert settings.data.scenario == "onelabel"
  assert not settings.augment.enabled
  assert settings.tasks == ("depth",)
  assert flag.name() == f"{ROOMS}:onelabel"


@pytest.mark.parametrize(
  ("words", "message"),
  [
    ([f"{ROOMS}:foo=1"], "Unknown config argument. Found: 'foo'"),
    ([f"{ROOMS}:seed=abc"], "Bad config argument 'seed'. Found: 'abc'"),
    ([f"{ROOMS}:tasks=depth,normals"], "Expected: depth+normals"),
    ([f"{ROOMS}:balancing=PCGrad"], "Did you mean 'pcgrad'?"),
    ([f"{ROOMS}:variant=offical"], "Did you mean 'official'?"),
    ([f"{ROOMS}:steps=-3"], "config.train.steps cannot be used. Found: -3"),
    ([f"{FOLDER}:size=16"], "Expected: height and width"),
    ([f"{FOLDER}:raw=D,method=jtrr"], "Did you mean 'jtr'?"),
    (["configs/none.py"], "no such file"),
    ([ROOMS, "--config.optimizer.lr=1"], "Did you mean 'optimizer.learning_ra"),
    ([ROOMS, "--config.balancing.loss.name=uw"], "balancing=uw, after the"),
    ([ROOMS, "--config.method.name=mtpsl"], "configs/rooms_mtpsl.py"),
    ([ROOMS, "--config.stages.plan=stl"], "--config.experiment.kind=stl"),
    ([ROOMS, "--config.train.steps=many"], "Found: 'many'"),
  ],
)
def test_a_bad_command_ends_with_one_line(run, words, message):
  code, printed, found = run(f"--config={words[0]}", *words[1:])
  assert not found
  assert code == 1
  assert message in printed
  assert printed.startswith("Error: ")
  assert printed.count("\n") == 1


def test_a_broken_file_ends_with_its_line(run, tmp_path):
  path = tmp_path / "mine.py"
  path.write_text("def get_config(arg):\n  return {'a': 1\n")
  code, printed, _ = run(f"--config={path}")
  assert code == 1
  assert f"The config file {path} cannot be used" in printed
  assert "SyntaxError in line 2" in printed
  assert printed.count("\n") == 1
