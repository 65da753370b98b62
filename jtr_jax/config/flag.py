"""The flag --config, and how commands that have it run.

Exit codes: 0 is done; `hosts.STOPPED` (143) stopped by a signal and saved;
`hosts.LOST` (75) another process went away, start all again; 1 something to be
mended first.
"""

import sys
import traceback
from collections.abc import Callable
from typing import NoReturn, TypeVar

from absl import app, flags, logging

from jtr_jax.config import command_line
from jtr_jax.config.settings import Settings
from jtr_jax.core import hosts
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

_COORDINATOR = flags.DEFINE_string(
  "coordinator",
  "",
  "HOST:PORT of process 0, where several train as one and are not found by "
  "themselves, as those of SLURM or a Cloud TPU are.",
)
_PROCESSES = flags.DEFINE_integer("processes", 0, "How many there are.")
_PROCESS = flags.DEFINE_integer("process", -1, "Number of this one, from 0.")

_USER_ERRORS = (ValueError, OSError, NonFiniteError)
_Result = TypeVar("_Result")


def run(main: Callable[[list[str]], None]) -> None:
  """Run a command; what its user can change ends it with one message.

  Args:
    main: takes the words of the command line that are no flags.
  """
  app.run(_with_one_message(main), flags_parser=_with_one_message(_parse))


def join_hosts() -> None:
  """Join the other processes of the command, if there are any.

  Raises:
    ValueError: the flags do not describe them.
  """
  hosts.initialize(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
  if not hosts.is_primary():
    logging.set_verbosity(logging.ERROR)  # process 0 says the same


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
    except Exception as error:
      if hosts.is_lost(error):
        _end(hosts.lost(error), hosts.LOST)
      if isinstance(error, _USER_ERRORS):
        logging.debug("Where it happened", exc_info=True)
        _end(f"{type(error).__name__}: {error}", 1)
      if hosts.is_alone():
        raise
      _end(traceback.format_exc(), 1)

  return guarded


def _end(text: str, code: int) -> NoReturn:
  """End the command; among others, without waiting for them at the exit."""
  sys.stderr.write(text + "\n")
  if not hosts.is_alone():
    hosts.leave(code)
  sys.exit(code)
