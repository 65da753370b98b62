"""What there is: methods, balancers, networks, tasks, data and configs."""

import ast
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jtr_jax.balancing import registry as balancers
from jtr_jax.config import config_files, registry
from jtr_jax.core import errors
from jtr_jax.data.datasets.prepare import PREPARERS


def listing(kind: str) -> str:
  """Return the names of a kind, a line each, with what they are.

  Args:
    kind: a key of `KINDS`.

  Raises:
    ValueError: there is no such kind, naming the nearest.
  """
  if kind not in KINDS:
    raise errors.unknown_name("kind", kind, KINDS)
  found = KINDS[kind]()
  width = max(map(len, found)) + 2
  lines = (f"{name:<{width}}{about}" for name, about in found.items())
  return "".join(line.rstrip() + "\n" for line in lines)


def _methods() -> dict[str, str]:
  return _about({n: own.build for n, own in registry.METHODS.items()})


def _networks() -> dict[str, str]:
  built_in = {"segnet": registry.MODELS["segnet"].build}
  return {**dict.fromkeys(registry.MODELS, ""), **_about(built_in)}


def _balancers() -> dict[str, str]:
  losses = _about(balancers.LOSS)
  gradients = _about(balancers.GRADIENT)
  return {
    **{f"loss.{name}": about for name, about in losses.items()},
    **{f"gradient.{name}": about for name, about in gradients.items()},
  }


def _tasks() -> dict[str, str]:
  return _about(registry.TASK_KINDS)


def _data() -> dict[str, str]:
  return {name: own.title for name, own in PREPARERS.items()}


def _configs() -> dict[str, str]:
  folder = Path(config_files.find("configs/rooms_demo.py")).parent
  files = sorted(folder.glob("*.py"))
  texts = (ast.get_docstring(ast.parse(path.read_text())) for path in files)
  return {
    f"configs/{path.name}": (text or "").split("\n")[0]
    for path, text in zip(files, texts, strict=True)
  }


def _about(table: Mapping[str, Callable[..., Any]]) -> dict[str, str]:
  """Return the first lines of the docstrings."""
  return {name: summary(own) for name, own in table.items()}


def summary(own: Callable[..., Any]) -> str:
  """Return what a constructor makes: the first line of its docstring.

  Args:
    own: a function, a class, or a `functools.partial` of one with a class.
  """
  for place in (own, *getattr(own, "args", ()), getattr(own, "func", None)):
    is_code = inspect.isclass(place) or inspect.isfunction(place)
    if is_code and place.__doc__:
      line = inspect.cleandoc(place.__doc__).split("\n")[0]
      line = line.removeprefix("Return ")
      return line[:1].upper() + line[1:]
  return ""


KINDS: Mapping[str, Callable[[], dict[str, str]]] = {
  "methods": _methods,
  "balancers": _balancers,
  "networks": _networks,
  "tasks": _tasks,
  "data": _data,
  "configs": _configs,
}
"""Kind -> name -> what it is."""
