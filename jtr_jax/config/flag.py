"""The flag --config and how commands that have it run."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from jtr_jax.config import defaults
from jtr_jax.core import errors
from jtr_jax.train.step_metrics import NonFiniteError

_CONFIG = config_flags.DEFINE_config_file(
  "config",
  None,
  "Config file, with arguments after a colon.",
  lock_config=False,  # unknown fields get the message of config_check
  accept_new_attributes=True,
)

# Where `configs/` is: inside the installed package, or beside it in a checkout.
_HOMES = Path(__file__).parents[1:3]

_USER_ERRORS = (ValueError, OSError, NonFiniteError)
_Result = TypeVar("_Result")


def run(main: Callable[[list[str]], None]) -> None:
  """Run a command; what its user can mend ends it with one message.

  Args:
    main: takes the words of the command line that are no flags.
  """
  app.run(_with_one_message(main), flags_parser=_with_one_message(_parse))


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


def find_shipped(word: str) -> str:
  """Complete --config=configs/NAME.py where the working directory lacks it.

  Args:
    word: of the command line.

  Returns:
    The word, with the path of the config that comes with the program if there
    is no such file here.
  """
  parts = re.fullmatch(r"((?:--?config=)?)(configs/[^:]+\.py)(.*)", word)
  if parts is None or Path(parts[2]).exists():
    return word
  shipped = [home / parts[2] for home in _HOMES if (home / parts[2]).exists()]
  return f"{parts[1]}{shipped[0]}{parts[3]}" if shipped else word


def check_sections(words: list[str]) -> None:
  """Raise if a flag --config.SECTION.FIELD names no section of a config.

  Fields are left to `config_check`, which knows those of every method.

  Args:
    words: the command line.

  Raises:
    ValueError: naming the nearest section.
  """
  sections = {n: {} for n in defaults.NAMES} | defaults.SECTIONS
  known = set(_names(sections))
  for word in words:
    flag = re.match(r"--?(?:no)?config\.([^=]+)\.", word)
    if flag and flag[1] not in known:
      raise errors.unknown_name("section of the config", flag[1], known)


def _names(sections: Mapping[str, Any], above: str = "") -> Iterator[str]:
  """Yield the dotted names of sections, and of sections inside of them."""
  for name, content in sections.items():
    if isinstance(content, Mapping):
      yield above + name
      yield from _names(content, f"{above}{name}.")


def _parse(words: list[str]) -> list[str]:
  check_sections(words)
  found = [find_shipped(word) for word in words]
  rest: list[str] = app.parse_flags_with_usage(found)
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
