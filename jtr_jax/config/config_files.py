"""Loads config files, and says which of their lines is wrong."""

import importlib.util
import traceback
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.core import errors

# Where `configs/` is: inside the installed package, or beside it in a checkout.
_HOMES = Path(__file__).parents[1:3]


def find(path: str) -> str:
  """Return the path of a config file, configs/NAME.py wherever one is.

  Args:
    path: as given; a file that comes with the program is also found if the
      working directory has no such file.
  """
  if Path(path).exists() or not path.startswith("configs/"):
    return path
  shipped = [home / path for home in _HOMES if (home / path).exists()]
  return str(shipped[0]) if shipped else path


def load(path: str, argument: str = "") -> ConfigDict:
  """Return the config of a file.

  Args:
    path: of a Python file with `get_config(arg: str) -> ConfigDict`.
    argument: what follows the colon of `--config=FILE:`.

  Raises:
    ValueError: an argument that the file does not take, or a file that cannot
      be read, parsed or run; the text names the file and the line.
  """
  path = find(path)
  get_config = _function(path)
  try:
    config = get_config(argument)
  except ValueError as error:
    if _is_from_the_vocabulary(error):
      raise
    raise _failed(path, error) from error
  except (Exception, SystemExit) as error:
    raise _failed(path, error) from error
  if not isinstance(config, ConfigDict):
    found = f"get_config returns a {type(config).__name__}"
    raise _unusable(path, found, "a ConfigDict", "Return the config.")
  return config


def _function(path: str) -> Any:
  """Return `get_config` of a file."""
  if not Path(path).is_file():
    found = "a folder" if path and Path(path).is_dir() else "no such file"
    do = "Correct the path; the files that come with jtr_jax are in configs/."
    raise _unusable(path, found, "a Python file", do)
  spec = importlib.util.spec_from_file_location("config", path)
  if spec is None or spec.loader is None:
    do = "Give its name the ending .py."
    raise _unusable(path, "another ending than .py", "a Python file", do)
  module = importlib.util.module_from_spec(spec)
  try:
    spec.loader.exec_module(module)
  except (Exception, SystemExit) as error:
    raise _failed(path, error) from error
  if not callable(getattr(module, "get_config", None)):
    expected = "a function get_config(arg: str) that returns a ConfigDict"
    do = "Write one; configs/rooms_jtr.py is an example."
    raise _unusable(path, "no function get_config", expected, do)
  return module.get_config


def _is_from_the_vocabulary(error: ValueError) -> bool:
  """Return whether jtr_jax raised it: then its text says what to change."""
  frames = traceback.extract_tb(error.__traceback__)
  return "jtr_jax" in Path(frames[-1].filename).parts


def _failed(path: str, error: BaseException) -> ValueError:
  """Return the error of a file that raised one."""
  if isinstance(error, SyntaxError):
    line: int | None = error.lineno
    code = (error.text or "").strip()
  else:
    frames = traceback.extract_tb(error.__traceback__)
    real = Path(path).resolve()
    own = [f for f in frames if Path(f.filename).resolve() == real]
    line = own[-1].lineno if own else None
    code = (own[-1].line or "") if own else ""
  where = f" in line {line}: {code}" if line else ""
  reason = error.msg if isinstance(error, SyntaxError) else str(error)
  found = f"{type(error).__name__}{where} ({' '.join(reason.split())})"
  do = "Correct this line."
  return _unusable(path, found, "a Python file that runs", do)


def _unusable(path: str, found: str, expected: str, do: str) -> ValueError:
  return ValueError(
    errors.message(
      f"The config file {path} cannot be used",
      found=found,
      expected=expected,
      do=do,
    )
  )
