"""A workdir as a run leaves it, with the network that it began with."""

from jtr_jax import main
from jtr_jax.config import resolve
from tests import config_files, short_training, small_config

TASKS = ("segmentation", "depth", "normals")
_FILE = f"{config_files.ROOT}/configs/rooms_supervised.py"


def make(rooms, folder, **changes):
  """Return the workdir of a run that has learned nothing."""
  usual = {
    "tasks": TASKS,
    "data__scenario_tasks": TASKS,
    "train__epochs": 1,
    "evaluate__pictures": 0,
  }
  _, *fields = small_config.flags(rooms, **{**usual, **changes})
  config = config_files.from_flags([f"--config={_FILE}", *fields])
  with short_training.nothing_is_learnt():
    main.train(resolve.resolve(config), folder, name="test")
  return folder
