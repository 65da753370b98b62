"""The config that words of a command line ask for, without running it."""

from collections.abc import Sequence

from absl import flags
from ml_collections import ConfigDict, config_flags

from jtr_jax.config import flag


def config_of(words: Sequence[str]) -> ConfigDict:
  """Return the config that a program would have with a command line.

  Args:
    words: --config=FILE:ARGUMENTS, and --config.FIELD=VALUE for any fields.

  Returns:
    The config, not validated.

  Raises:
    ValueError: an argument, section or value is wrong.
    OSError: there is no such file.
  """
  flag.check_sections(list(words))
  values = flags.FlagValues()
  argv = ["program", *map(flag.find_shipped, words)]
  holder = config_flags.DEFINE_config_file(
    "config",
    lock_config=False,
    flag_values=values,
    sys_argv=argv,
    accept_new_attributes=True,
  )
  try:
    values(argv)
  except flags.Error as error:
    raise ValueError(str(error)) from error
  config: ConfigDict = holder.value
  return config
