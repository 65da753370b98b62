"""The runs of an experiment, in workdirs below that of the experiment.

Finished runs are skipped, so an interrupted experiment resumes like a
single run, with the same command.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jtr_jax.config import saved
from jtr_jax.config.settings import Settings
from jtr_jax.experiment import data_identity, data_mixture, run
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.workdir import data_change


class Options(NamedTuple):
  """Options of the command in addition to the settings.

  Attributes:
    name: of the config, for result cards.
    allow_config_change: continue even in workdirs of other settings.
  """

  name: str = ""
  allow_config_change: bool = False


Train: TypeAlias = Callable[[Settings, Path, Options], bool]
"""(settings, workdir, options) -> False if a signal stopped it: the same call
then resumes."""


def open_workdir(settings: Settings, folder: Path, options: Options) -> Mixture:
  """Make the workdir of an experiment, or check that it may resume there.

  Returns:
    The data of the settings; what does not fit it leaves no workdir behind.
  """
  allowed = options.allow_config_change
  saved.check(folder, settings, allow_config_change=allowed)
  data = data_mixture.open_sources(settings)
  identity = data_identity.of_mixture(data)
  data_change.check(folder, identity, allow_config_change=allowed)
  saved.write(folder, settings, identity)
  return data


def train_run(settings: Settings, folder: Path, options: Options) -> bool:
  """Train one network: the simplest experiment."""
  return run.train(
    settings,
    folder,
    name=options.name,
    allow_config_change=options.allow_config_change,
  )


def finish_run(settings: Settings, folder: Path, options: Options) -> bool:
  """Train a run below the workdir, unless it is finished."""
  if run.is_finished(settings, folder):
    return True
  name = f"{options.name}, {folder.name}"
  return train_run(settings, folder, options._replace(name=name))
