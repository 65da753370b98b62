"""The flag --config, and how commands that have it run."""

import sys
from collections.abc import Callable
from typing import TypeVar

from absl import app, flags, logging

from jtr_jax.config import command_line
from jtr_jax.config.settings import Settings
from jtr_jax.train.step_metrics import NonFiniteError

_CONFIG = flags.DEFINE_string(
  "config",
  None,
  "Config file, with arguments after a colon. Each field can be set by a flag "
  "of its own: --config.SECTION.FIELD=VALUE.",
)
_FIELDS = flags.DEFINE_multi_string(
  "config_field", [], "The same as SECTION.FIELD=VALUE."
)

_USER_ERRORS = (ValueError, OSError, NonFiniteError)
_Result = TypeVar("_Result")


def run(main: Callable[[list[str]], None]) -> None:
  """Run a command; what its user can change ends it with one message.

  Args:
    main: takes the words of the command line that are no flags.
  """
  app.run(_with_one_message(main), flags_parser=_with_one_message(_parse))


def given() -> Settings:
  """Return the settings of the command line.

  Raises:
    UsageError: there is no --config.
    ValueError: they cannot be used.
  """
  if _CONFIG.value is None:
    raise app.UsageError("Give --config=FILE.py")
  return command_line.settings(_CONFIG.value, _FIELDS.value)


def name() -> str:
  """Return the path of the config file, with its arguments."""
  return str(_CONFIG.value)


def _parse(words: list[str]) -> list[str]:
  rest: list[str] = app.parse_flags_with_usage(command_line.without_dots(words))
  return rest


def _with_one_message(
  function: Callable[[list[str]], _Result],
) -> Callable[[list[str]], _Result]:
  def guarded(words: list[str]) -> _Result:
    try:
      return function(words)
    except _USER_ERRORS as error:
      logging.debug("Where it happened", exc_info=True)
      sys.exit(f"{type(error).__name__}: {error}")

  return guarded
