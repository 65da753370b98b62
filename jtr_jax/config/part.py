"""A part of a program that has several implementations, as settings have it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

INLINE = {"inline": True}
"""Marks what config.json has in the section itself, not in one of its own."""


@dataclasses.dataclass(frozen=True)
class Part:
  """One implementation of several, with its fields and constructor.

  Attributes:
    name: a key of its table in `registry`, or `package.module:attribute`.
    fields: its keyword arguments, those with default values included.
    build: the constructor.
  """

  name: str
  fields: Mapping[str, Any] = dataclasses.field(metadata=INLINE)
  build: Callable[..., Any] = dataclasses.field(repr=False, compare=False)
