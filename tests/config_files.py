"""Loads config files for the tests as the program does, flags included."""

import importlib.util
import pathlib
import re
import shlex

from absl import flags
from ml_collections import config_flags

ROOT = pathlib.Path(__file__).parent.parent
FILES = sorted((ROOT / "configs").glob("*.py"))


def load(name, arg=""):
  """Return the config of a file for what follows its colon."""
  return _module(ROOT / "configs" / f"{name}.py").get_config(arg)


def from_flags(words):
  """Return the config that --config and --config.field flags ask for."""
  values = flags.FlagValues()
  argv = ["program", *words]
  holder = config_flags.DEFINE_config_file(
    "config",
    lock_config=False,
    flag_values=values,
    sys_argv=argv,
    accept_new_attributes=True,
  )
  values(argv)
  return holder.value


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
