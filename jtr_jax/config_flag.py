"""The flag --config, which several commands share."""

from typing import Any

from absl import app, flags
from ml_collections import ConfigDict, config_flags

_CONFIG = config_flags.DEFINE_config_file(
  "config",
  None,
  "Config file, with arguments after a colon.",
  lock_config=False,  # unknown fields get the message of config_check
  accept_new_attributes=True,
)


def given() -> ConfigDict:
  """Return the config of the command line, overrides included.

  Raises:
    UsageError: there is none.
  """
  config: ConfigDict | None = _CONFIG.value
  if config is None:
    raise app.UsageError("Give --config=FILE.py")
  return config


def name() -> str:
  """Return the path of the config file, with its arguments."""
  flag: Any = flags.FLAGS["config"]
  return str(config_flags.get_config_filename(flag))
