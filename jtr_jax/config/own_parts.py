"""Parts of a user's own: `package.module:attribute` in place of a name."""

import importlib
import inspect
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from jtr_jax.core import errors


def is_own(name: str) -> bool:
  """Return whether a name says where to import from."""
  return ":" in name


def load(kind: str, name: str) -> Callable[..., Any]:
  """Return the function or class that a name says where to import from.

  Args:
    kind: what it is used as, for error messages.
    name: `package.module:attribute`; the module is looked for as `import` does,
      in the current directory too.

  Raises:
    ValueError: it cannot be imported; the text says where that failed.
  """
  module_name, _, attribute = name.partition(":")
  try:
    found: Any = importlib.import_module(module_name)
  except Exception as error:
    raise _not_importable(kind, name, _described(error)) from error
  for part in attribute.split("."):
    if not hasattr(found, part):
      raise errors.unknown_name(
        f"attribute of {module_name}, for the {kind}", part, dir(found)
      )
    found = getattr(found, part)
  if not callable(found):
    raise _not_importable(kind, name, f"a {type(found).__name__}")
  function: Callable[..., Any] = found
  return function


def require_defaults(
  kind: str, name: str, build: Callable[..., Any], known: Sequence[str]
) -> None:
  """Raise a `ValueError` if a config could not give all that a part needs.

  Args:
    kind: what it is used as.
    name: where it was imported from.
    build: takes what it is for first, then keyword arguments.
    known: keyword arguments that it gets anyway.
  """
  _, *others = inspect.signature(build).parameters.values()
  variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
  for parameter in others:
    is_given = parameter.name in known or parameter.kind in variable
    if not is_given and parameter.default is parameter.empty:
      raise ValueError(
        errors.message(
          f"The {kind} {name!r} cannot be used",
          found=f"a parameter {parameter.name!r} without a default",
          expected="defaults for all but the first, for they are fields of the "
          "config",
          do=f"Give {parameter.name!r} a default.",
        )
      )


def _described(error: Exception) -> str:
  """Return an error and the line of the user's file that it came from."""
  frames = traceback.extract_tb(error.__traceback__)
  where = [f for f in frames if "importlib" not in f.filename]
  text = f"{type(error).__name__}: {error}"
  last = where[-1]
  if last.filename != __file__:
    text += f" ({last.filename}, line {last.lineno})"
  return text


def _not_importable(kind: str, name: str, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"The {kind} {name!r} cannot be imported",
      found=found,
      expected="package.module:attribute, a function or class in a module that "
      "Python finds",
      do="Start the command in the folder of the module, or add that folder to "
      "PYTHONPATH.",
    )
  )
