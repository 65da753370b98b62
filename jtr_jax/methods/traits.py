"""Traits that a constructor of methods declares: variants, optimiser groups."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from jtr_jax.methods.variants import Variant

_Build = TypeVar("_Build", bound=Callable[..., Any])
_ATTRIBUTE = "_method_traits"
_PAPER: Mapping[str, Variant] = MappingProxyType({"paper": Variant()})
_NO_GROUPS: Mapping[str, Mapping[str, float]] = MappingProxyType({})


class Traits(NamedTuple):
  """How a method is trained.

  Attributes:
    variants: name of a variant -> the settings that it stands for; "paper" is
      the default of every config.
    groups: name of an optimiser group, as `Method.groups` returns it -> its
      `learning_rate`, `decay_rate` and `decay_epochs`. They are fields of the
      config's section `optimizer`, `<group>_learning_rate` and so on.
  """

  variants: Mapping[str, Variant] = _PAPER
  groups: Mapping[str, Mapping[str, float]] = _NO_GROUPS


def traits(
  *,
  variants: Mapping[str, Variant] = _PAPER,
  groups: Mapping[str, Mapping[str, float]] = _NO_GROUPS,
) -> Callable[[_Build], _Build]:
  """Declare the traits of the methods that a constructor makes.

  Args:
    variants: see `Traits`.
    groups: see `Traits`; a field that is not given has the main group's
      default.

  Returns:
    A decorator, which returns the constructor itself.

  Example:
    >>> @traits(groups={"critic": {"learning_rate": 1e-3}})
    ... def adversarial(tasks, *, weight: float = 0.1): ...
  """

  def declare(build: _Build) -> _Build:
    setattr(build, _ATTRIBUTE, Traits(variants, groups))
    return build

  return declare


def traits_of(build: Callable[..., Any]) -> Traits:
  """Return what a constructor declares, or the defaults."""
  found: Traits = getattr(build, _ATTRIBUTE, Traits())
  return found
