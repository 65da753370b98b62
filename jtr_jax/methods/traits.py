"""Traits that a constructor of methods declares: variants, optimiser groups."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from jtr_jax.methods.variants import Variant

_Build = TypeVar("_Build", bound=Callable[..., Any])
_ATTRIBUTE = "_method_traits"

LabelWarning: TypeAlias = Callable[[Mapping[str, Any], np.ndarray], str]
"""(fields of the method, bool[N, K] which labels the run sees) -> a warning, ""
for none."""


def no_warning(fields: Mapping[str, Any], present: np.ndarray) -> str:
  """Return "": a method that any labels suit."""
  del fields, present
  return ""


class Traits(NamedTuple):
  """How a method is trained, and what its fields are for.

  Attributes:
    variants: name of a variant -> the settings that it stands for; "paper" is
      the default of every config.
    groups: name of an optimiser group, as `Method.groups` returns it -> its
      `learning_rate`, `decay_rate` and `decay_epochs`, those of the main group
      if they are left out. They are fields of the config's section `optimizer`,
      `<group>_learning_rate` and so on.
    filters: field that follows the widths of the network, or "".
    unlabelled: fields with which the method learns from images without labels,
      for scenarios that have some.
    label_warning: warns of labels that the method does not use.
  """

  variants: Mapping[str, Variant] = MappingProxyType({"paper": Variant()})
  groups: Mapping[str, Mapping[str, float]] = MappingProxyType({})
  filters: str = ""
  unlabelled: Mapping[str, Any] = MappingProxyType({})
  label_warning: LabelWarning = no_warning


def declare(traits: Traits) -> Callable[[_Build], _Build]:
  """Declare the traits of the methods that a constructor makes.

  Args:
    traits: of these methods.

  Returns:
    A decorator, which returns the constructor itself.

  Example:
    >>> @declare(Traits(groups={"critic": {"learning_rate": 1e-3}}))
    ... def adversarial(tasks, *, weight: float = 0.1): ...
  """

  def mark(build: _Build) -> _Build:
    setattr(build, _ATTRIBUTE, traits)
    return build

  return mark


def traits_of(build: Callable[..., Any]) -> Traits:
  """Return the traits that a constructor declares, or the defaults."""
  found: Traits = getattr(build, _ATTRIBUTE, Traits())
  return found
