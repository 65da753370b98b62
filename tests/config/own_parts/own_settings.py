"""Settings with a user's own parts."""

from jtr_jax.config import build, command_line
from jtr_jax.data.datasets import nyuv2
from jtr_jax.data.records.manifest import Manifest
from tests import config_files

ROOMS = str(config_files.ROOT / "configs" / "rooms_jtr.py")
FOLDER = str(config_files.ROOT / "configs" / "folder_jtr.py")


def rooms(*fields, arg=""):
  """Return the settings of rooms with fields given."""
  return command_line.settings(f"{ROOMS}:{arg}", fields)


def tasks_of(settings):
  """Return the tasks of a run on data like NYUv2."""
  manifest = Manifest("test", (32, 32), nyuv2.TASKS, {}, {})
  return build.make_tasks(settings.tasks, manifest)
