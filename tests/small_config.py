"""The smallest run of the real program, and its command line."""

import os
import subprocess
import sys

from jtr_jax.config import resolve
from jtr_jax.data.datasets import prepare
from jtr_jax.experiment import data_mixture, stl
from tests import config_files

FILE = f"{config_files.ROOT}/configs/rooms_demo.py:tasks=segmentation+depth"
SIZE, TRAIN, VAL = (32, 32), 8, 4
FIELDS = {
  "data.size": SIZE,
  "data.train_count": TRAIN,
  "data.val_count": VAL,
  "model.filters": (4, 4),
  "train.batch_size": 4,
  "train.epochs": 12,
  "optimizer.learning_rate": 2e-3,
  "evaluate.every_epochs": 5,
  "evaluate.batch_size": 3,
  "evaluate.pictures": 2,
  "log.every_steps": 3,
  "checkpoint.every_epochs": 3,
}


def prepare_rooms(directory):
  """Generate the data where `flags` expect it."""
  prepare.prepare_rooms(directory, size=SIZE, train=TRAIN, val=VAL, workers=1)


def flags(directory, **changes):
  """Return the --config flags; changes are written section__field=value."""
  changed = {key.replace("__", "."): value for key, value in changes.items()}
  fields = {**FIELDS, "data.directory": str(directory), **changed}
  return [
    f"--config={FILE}",
    *(f"--config.{name}={value}" for name, value in fields.items()),
  ]


def config(directory, **changes):
  """Return the config that the flags ask for."""
  return config_files.from_flags(flags(directory, **changes))


def settings(directory, **changes):
  """Return the settings that the flags ask for."""
  return resolve.resolve(config(directory, **changes))


def settings_of_runs(settings):
  """Return the settings of each task's own network, on the same data."""
  return stl.settings_of_runs(settings, data_mixture.open_sources(settings))


def start(module, *words, home=config_files.ROOT, **options):
  """Start a command of the program that lies in `home`, as a user does."""
  environment = {
    **os.environ,
    "PYTHONPATH": str(home),
    "JAX_PLATFORMS": "cpu",
  }
  return subprocess.Popen(
    [sys.executable, "-m", module, *words],
    env=environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    **options,
  )
