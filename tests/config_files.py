"""Loads config files for the tests as the program does, fields included."""

import importlib.util
import re
import shlex

from jtr_jax.config import command_line
from jtr_jax.config import config_files as loader
from tests import ROOT

FILES = sorted((ROOT / "configs").glob("*.py"))


def load(name, arg=""):
  """Return the config of a file for what follows its colon."""
  return loader.load(str(ROOT / "configs" / f"{name}.py"), arg)


def settings(name, arg="", **changes):
  """Return the settings of a file; changes are written section__field=value."""
  fields = [f"{n.replace('__', '.')}={v}" for n, v in changes.items()]
  path = ROOT / "configs" / f"{name}.py"
  return command_line.settings(f"{path}:{arg}", fields)


def from_flags(words):
  """Return the config that --config and --config.field flags ask for."""
  file, *fields = command_line.without_dots(words)
  return command_line.load(
    file.removeprefix("--config="),
    [field.removeprefix("--config_field=") for field in fields],
  )


def documented_commands(path):
  """Return the config flags of every command in a file's docstring."""
  text = (_module(path).__doc__ or "").replace("\\\n", " ")
  commands = re.findall(r"python -m jtr_jax\.main.*", text)
  split = [shlex.split(command) for command in commands]
  return [[w for w in words if w.startswith("--config")] for words in split]


def _module(path):
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module
