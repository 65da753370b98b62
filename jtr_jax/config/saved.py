"""Settings as a workdir keeps them: config.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jtr_jax.config import resolve, upgrade
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts
from jtr_jax.workdir import config_file, shared_folder

_MAY_DIFFER = ("log", "checkpoint", "train.height", "evaluate.diagnosed")
_MAY_GROW = ("train.steps", "train.epochs")


def read(workdir: Path) -> Settings:
  """Return the settings of the run in a workdir, whatever program began it.

  Raises:
    ValueError: there is no run in it, or its config cannot be understood.
  """
  return _resolved(*config_file.read_config(workdir))


def read_plain(workdir: Path) -> dict[str, Any]:
  """Return the same as nested values."""
  return resolve.to_plain(read(workdir))


def write(
  workdir: Path, settings: Settings, data: Mapping[str, Any] | None = None
) -> None:
  """Write config.json, and make the workdir if necessary.

  Args:
    workdir: the folder.
    settings: of the run or experiment.
    data: what identifies its images and labels; None where that is unknown.
  """
  plain = resolve.to_plain(settings)
  config_file.write_config(workdir, plain, version=upgrade.VERSION, data=data)


def check(
  workdir: Path, settings: Settings, *, allow_config_change: bool
) -> None:
  """Check that a run or an experiment may begin, or resume, in a workdir.

  Args:
    workdir: the folder.
    settings: of the run.
    allow_config_change: accept other settings, with a warning.

  Raises:
    ValueError: the folder has other settings, or is not one of this program.
  """
  shared_folder.require_shared(workdir)
  hosts.primary_first(
    lambda: config_file.check_workdir(
      workdir,
      resolve.to_plain(settings),
      upgrade=_plain_of_old,
      may_differ=_MAY_DIFFER,
      may_grow=_MAY_GROW,
      allow_config_change=allow_config_change,
    )
  )


def require_same(workdir: Path, settings: Settings) -> None:
  """Raise a `ValueError` unless a workdir has just these settings.

  That is for commands that would do nothing with other ones.
  """
  config_file.check_workdir(
    workdir, resolve.to_plain(settings), upgrade=_plain_of_old, may_differ=()
  )


def holds(workdir: Path, settings: Settings) -> bool:
  """Return whether a workdir has just these settings."""
  plain = resolve.to_plain(settings)
  return config_file.holds(workdir, plain, upgrade=_plain_of_old)


def _resolved(config: Mapping[str, Any], version: int) -> Settings:
  return resolve.resolve(upgrade.upgraded(config, version))


def _plain_of_old(config: Mapping[str, Any], version: int) -> dict[str, Any]:
  return resolve.to_plain(_resolved(config, version))
