"""Declarations of builders: weights that never change, for a grid search."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

_Build = TypeVar("_Build", bound=Callable[..., Any])
_ATTRIBUTE = "_constant_weights"


class _Declared(NamedTuple):
  """The setting with the weights, and under which settings they are constant.

  Attributes:
    setting: its name; a number for each task.
    conditions: settings -> values.
  """

  setting: str
  conditions: Mapping[str, Any]


def declare(setting: str, **conditions: Any) -> Callable[[_Build], _Build]:
  """Declare that a balancer's weights are constant and where they are set.

  Args:
    setting: keyword argument of the builder, a number for each task in order.
    **conditions: values of other settings under which the weights are constant.

  Returns:
    A decorator, which returns the builder itself.

  Example:
    >>> @constant_weights.declare("factors")
    ... def mine(num_tasks, *, factors: tuple[float, ...] = ()): ...
  """

  def decorate(build: _Build) -> _Build:
    setattr(build, _ATTRIBUTE, _Declared(setting, conditions))
    return build

  return decorate


def setting_of(build: Callable[..., Any], settings: Mapping[str, Any]) -> str:
  """Return the setting with a balancer's constant weights, "" without any.

  Args:
    build: the builder.
    settings: what it is called with.
  """
  declared: _Declared | None = getattr(build, _ATTRIBUTE, None)
  if declared is None:
    return ""
  holds = all(settings[n] == v for n, v in declared.conditions.items())
  return declared.setting if holds else ""
