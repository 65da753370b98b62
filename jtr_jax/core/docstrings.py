"""Descriptions of arguments from docstrings, for help texts and pages."""

import inspect
import re
from collections.abc import Callable
from typing import Any


def arguments(function: Callable[..., Any]) -> dict[str, str]:
  """Return the entries of "Args" or "Attributes", without the last full stop.

  Args:
    function: a function, or a class, whose bases are looked at too.

  Returns:
    Name -> text on one line, in the order of the docstring.
  """
  bases = inspect.getmro(function) if inspect.isclass(function) else (function,)
  found: dict[str, str] = {}
  for base in reversed(bases):
    text = inspect.cleandoc(base.__doc__ or "")
    block = re.search(r"\n(?:Args|Attributes):\n(.*?)(?:\n\n|$)", text, re.S)
    for name, entry in re.findall(
      r"^  (\w+): (.*(?:\n {4,}.*)*)", block[1] if block else "", re.MULTILINE
    ):
      found[name] = re.sub(r"\s+", " ", entry).rstrip(".")
  return found


def summary(function: Callable[..., Any]) -> str:
  """Return the first line of a docstring, "" if there is none."""
  return inspect.cleandoc(function.__doc__ or "").partition("\n")[0]
