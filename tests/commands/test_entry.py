import runpy
import shutil
import subprocess
import sys

import pytest

from jtr_jax.commands import completion, entry, explain, listing
from jtr_jax.config import registry
from tests import ROOT


@pytest.fixture
def started(monkeypatch):
  """Note which module a command starts, and with which words."""
  seen = []

  def run_module(name, **_):
    seen.append((name, sys.argv[1:]))

  monkeypatch.setattr(runpy, "run_module", run_module)
  monkeypatch.setattr(sys, "argv", ["jtr-jax"])
  return seen


@pytest.mark.parametrize("name", entry.COMMANDS)
def test_commands_start_modules_that_there_are(name, started):
  assert entry.main([name, "--a=1", "b"]) == 0
  ((module, words),) = started
  path = ROOT / module.replace(".", "/")
  assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()
  assert words[-2:] == ["--a=1", "b"]


def test_evaluation_is_a_mode_of_the_same_program(started):
  entry.main(["evaluate", "--workdir=run"])
  assert started == [("jtr_jax.main", ["--mode=evaluate", "--workdir=run"])]


def test_every_command_of_the_package_has_a_name():
  modules = {path.stem for path in (ROOT / "jtr_jax").glob("[!_]*.py")}
  modules |= {p.parent.name for p in (ROOT / "jtr_jax").glob("*/__main__.py")}
  assert {command.module for command in entry.COMMANDS.values()} == modules


def test_help_names_everything(capsys):
  assert entry.main([]) == 0
  shown = capsys.readouterr().out
  for name in (*entry.COMMANDS, "list", "explain", "completion"):
    assert f"\n  {name} " in shown


def test_name_of_the_command_is_installed():
  text = (ROOT / "pyproject.toml").read_text()
  assert 'jtr-jax = "jtr_jax.commands.entry:main"' in text


@pytest.mark.parametrize(
  ("words", "message"),
  [
    (["trian"], "Did you mean 'train'?"),
    (["list"], "takes one word. Found: none. Expected: KIND"),
    (["list", "method"], "Did you mean 'methods'?"),
    (["explain", "train.batchsize"], "such as train.batch_size"),
    (["explain", "a", "b"], "takes one word. Found: a b"),
    (["completion", "tcsh"], "Unknown shell"),
  ],
)
def test_bad_input_ends_with_one_message(words, message, capsys):
  assert entry.main(words) == 1
  shown = capsys.readouterr().err
  assert message in shown
  assert shown.count("\n") == 1


@pytest.mark.parametrize("kind", listing.KINDS)
def test_everything_listed_says_what_it_is(kind):
  lines = listing.listing(kind).splitlines()
  assert len(lines) > 5
  if kind != "networks":
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


def test_lists_are_those_of_the_registry():
  lines = listing.listing("methods").splitlines()
  assert [line.split()[0] for line in lines] == list(registry.METHODS)
  names = {
    line.split()[0] for line in listing.listing("balancers").splitlines()
  }
  assert {"loss.uw", "gradient.pcgrad"} <= names
  assert "configs/rooms_jtr.py" in listing.listing("configs")


def test_a_field_is_explained_from_its_signature():
  text = explain.explain("--config.train.batch_size=4")
  assert "config.train.batch_size\n  Images of the main data in a batch" in text
  assert "value: a whole number, at least 1 and at most 65536 (images)" in text
  assert "default: 4" in text
  assert "from: JTR" in text


def test_fields_that_parts_share_are_explained_once():
  text = explain.explain("model.head")
  assert text.count("config.model.head (with") < 5
  assert "resnet18, resnet34" in text


def test_parts_and_sections_list_their_fields():
  assert "method.dist_weight = 4.0 [jtr]" in explain.explain("jtr")
  section = explain.explain("checkpoint").splitlines()
  assert section[0].startswith("checkpoint.every_epochs = 5: ")
  assert explain.explain("pcgrad").startswith("balancing.gradient.name=pcgrad")


def test_every_field_says_something():
  silent = {own.name for own in explain.fields() if not own.field.about}
  assert not silent


def test_bash_completes(tmp_path):
  bash = shutil.which("bash")
  assert bash, "the tests need bash, as make does"
  words = {"": ["train", "list"], "list": ["methods", "tasks"]}
  program = (
    completion.script("bash", words)
    + """
complete_at() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _jtr_jax; }
complete_at jtr-jax tr; echo "${COMPREPLY[@]}"
complete_at jtr-jax list ""; echo "${COMPREPLY[@]}"
complete_at jtr-jax train ""; echo "${COMPREPLY[@]}"
"""
  )
  done = subprocess.run(
    [bash, "-c", program], capture_output=True, text=True, check=True
  )
  assert done.stdout.splitlines() == ["train", "methods tasks", ""]


def test_other_shells_have_scripts(capsys):
  assert entry.main(["completion", "fish"]) == 0
  assert "__fish_seen_subcommand_from list" in capsys.readouterr().out
  assert completion.script("zsh", {"": ["train"]}).startswith("autoload")
