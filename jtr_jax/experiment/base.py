"""What plans are made of: ordinary runs in workdirs below that of a plan.

Whatever was finished is left alone. So an interrupted experiment goes on like a
single run, when the same command is given again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ml_collections import ConfigDict

from jtr_jax.config import defaults
from jtr_jax.experiment import data_mixture, run
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.workdir import config_file


class Options(NamedTuple):
  """What the command says besides the config.

  Attributes:
    name: of the config, for result cards.
    allow_config_change: go on even in workdirs of another config.
  """

  name: str = ""
  allow_config_change: bool = False


Plan: TypeAlias = Callable[[ConfigDict, Path, Options], bool]
"""(config, workdir, options) -> False if a signal stopped it: the same call
then goes on from there."""


def plain(config: ConfigDict) -> ConfigDict:
  """Return a config for one run, with all other values the same."""
  own = config.copy_and_resolve_references()
  own.stages.update(defaults.SECTIONS["stages"])
  return own


def open_workdir(config: ConfigDict, folder: Path, options: Options) -> Mixture:
  """Make the workdir of a plan, or check that it may go on there.

  Returns:
    The data of the config; what does not fit it leaves no workdir behind.
  """
  run.check_workdir(
    config, folder, allow_config_change=options.allow_config_change
  )
  data = data_mixture.open_sources(config)
  config_file.write_config(folder, config.to_dict())
  return data


def train_run(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train one network: the simplest plan."""
  return run.train(
    config,
    folder,
    name=options.name,
    allow_config_change=options.allow_config_change,
  )


def finish_run(config: ConfigDict, folder: Path, options: Options) -> bool:
  """Train a run below the workdir, unless it is finished."""
  if run.is_finished(config, folder):
    return True
  name = f"{options.name}, {folder.name}"
  return train_run(config, folder, options._replace(name=name))
