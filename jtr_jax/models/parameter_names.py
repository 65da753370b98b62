"""Parameters by name, such as "encoder/backbone/stem/conv/kernel"."""

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax

from jtr_jax.core import errors
from jtr_jax.models.base import Tree

_SHOWN = 6


def name_of(path: tuple[Any, ...]) -> str:
  """Return the name of a leaf from its path as JAX gives it."""
  return jax.tree_util.keystr(path, simple=True, separator="/")


def names(params: Tree) -> tuple[str, ...]:
  """Return the names of all leaves of a nested dictionary."""
  return tuple(name_of(path) for path, _ in jax.tree.leaves_with_path(params))


def matches(name: str, pattern: str) -> bool:
  """Return whether a pattern matches a parameter.

  Args:
    name: of the parameter.
    pattern: the name, or that of a part it is in, with "*", "?" and "[...]" as
      in a shell; "*" stands for any number of parts.

  Example:
    >>> matches("encoder/layer1_block0/conv1/kernel", "encoder/layer1_*")
    True
    >>> matches("encoder/layer1_block0/norm/scale", "norm")
    False
    >>> matches("encoder/layer1_block0/norm/scale", "*/norm")
    True
  """
  return fnmatchcase(name, pattern) or fnmatchcase(name, pattern + "/*")


def matched(params: Tree, patterns: Sequence[str], field: str) -> Tree:
  """Return for every leaf whether one of the patterns matches it.

  Args:
    params: nested dictionary of arrays or their shapes.
    patterns: see `matches`.
    field: the setting that they come from, for the error.

  Returns:
    A tree of bool like `params`.

  Raises:
    ValueError: a pattern means nothing; the text names the nearest part.
  """
  known = names(params)
  for pattern in patterns:
    if not any(matches(name, pattern) for name in known):
      raise _unmatched(pattern, known, field)
  return jax.tree.map_with_path(
    lambda path, _: any(matches(name_of(path), p) for p in patterns), params
  )


def held(params: Tree, stage: str, patterns: Sequence[str]) -> Tree:
  """Return the parameters of a stage, without gradients where patterns say so.

  Args:
    params: of the stage.
    stage: its name, such as "encoder".
    patterns: see `matches`.
  """
  if not patterns:
    return params

  def hold(path: tuple[Any, ...], value: jax.Array) -> jax.Array:
    name = f"{stage}/{name_of(path)}"
    stays = any(matches(name, pattern) for pattern in patterns)
    return jax.lax.stop_gradient(value) if stays else value

  return jax.tree.map_with_path(hold, params)


def is_kernel(path: tuple[Any, ...]) -> bool:
  """Return whether a leaf is a kernel or matrix, no bias, norm or embedding."""
  return name_of(path).rpartition("/")[2] == "kernel"


def _unmatched(pattern: str, known: Sequence[str], field: str) -> ValueError:
  near = difflib.get_close_matches(
    pattern.rstrip("/*"), _parts(known), n=1, cutoff=0.4
  )
  tops = sorted({"/".join(name.split("/")[:2]) for name in known})
  more = f" and {len(tops) - _SHOWN} more" if len(tops) > _SHOWN else ""
  return ValueError(
    errors.message(
      f"A pattern of {field} matches no parameter",
      found=repr(pattern),
      expected="a name or pattern of parameters, which are below "
      + ", ".join(tops[:_SHOWN])
      + more,
      do=f"Did you mean {near[0]!r}?"
      if near
      else "`*` stands for any number of parts.",
    )
  )


def _parts(known: Iterable[str]) -> list[str]:
  """Return the names and those of all parts that they are in."""
  parts: dict[str, None] = {}
  for name in known:
    words = name.split("/")
    parts.update(
      dict.fromkeys("/".join(words[:n]) for n in range(1, len(words) + 1))
    )
  return list(parts)
