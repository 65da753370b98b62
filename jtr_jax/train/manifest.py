"""What a checkpoint says about itself, and whether that is still true.

The arrays are written by Orbax without a checksum: a byte that changes on the
disk would come back as another number. So their CRC-32 is kept beside them.
"""

import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jtr_jax.core import errors

_FORMAT = 1
_SHOWN = 8


def describe(
  state: Any,
  *,
  metrics: Mapping[str, float | None] | None,
  extra: Mapping[str, Any] | None,
) -> dict[str, Any]:
  """Return the manifest of a state.

  Args:
    state: pytree of arrays.
    metrics: results of an evaluation; NaN and infinity are kept as null.
    extra: anything JSON can hold.

  Returns:
    A dictionary for JSON, with a CRC-32 of its own contents.
  """
  content = {
    "format": _FORMAT,
    "arrays": {name: _entry(leaf) for name, leaf in _leaves(state).items()},
    "metrics": None if metrics is None else _finite(metrics),
    "extra": dict(extra or {}),
  }
  content = json.loads(json.dumps(content))
  return {**content, "crc32": _crc_of_json(content)}


def checked(stored: Mapping[str, Any]) -> dict[str, Any]:
  """Return the contents of a stored manifest.

  Args:
    stored: what `describe` returned, from disk.

  Returns:
    Its contents.

  Raises:
    ValueError: it was changed, or is of another format.
  """
  content = dict(stored)
  if content.pop("crc32", None) != _crc_of_json(content):
    raise ValueError("its manifest has changed since it was written")
  if content.get("format") != _FORMAT:
    raise ValueError(f"its format is {content.get('format')}, not {_FORMAT}")
  return content


def check_same_arrays(
  content: Mapping[str, Any], target: Any, *, where: Path
) -> None:
  """Raise unless a checkpoint holds just the arrays that are asked for.

  Args:
    content: a checked manifest.
    target: pytree of `jax.ShapeDtypeStruct`.
    where: the checkpoint, for the error.

  Raises:
    ValueError: names, shapes or dtypes differ; the text lists them.
  """
  stored = {name: entry["is"] for name, entry in content["arrays"].items()}
  wanted = {name: _kind(leaf) for name, leaf in _leaves(target).items()}
  if stored == wanted:
    return
  shared = stored.keys() & wanted.keys()
  other = [name for name in shared if stored[name] != wanted[name]]
  groups = {
    "only in the checkpoint": stored.keys() - wanted.keys(),
    "missing in the checkpoint": wanted.keys() - stored.keys(),
    "different": [f"{n} {stored[n]}, not {wanted[n]}" for n in other],
  }
  raise ValueError(
    errors.message(
      f"The checkpoint {where} is of another model, method or optimiser",
      found="; ".join(f"{k}: {_some(v)}" for k, v in groups.items() if v),
      expected=f"the {len(wanted)} arrays of this configuration",
      do="Use the configuration it was trained with (config.json in its "
      "workdir), or another workdir.",
    )
  )


def check_contents(content: Mapping[str, Any], state: Any) -> None:
  """Raise unless every array has the bytes that were saved.

  Args:
    content: a checked manifest.
    state: what was restored.

  Raises:
    ValueError: names the arrays that differ.
  """
  damaged = [
    name
    for name, leaf in _leaves(state).items()
    if (saved := content["arrays"][name]["crc32"]) is not None
    and (found := _crc_of_array(leaf)) is not None
    and found != saved
  ]
  if damaged:
    raise ValueError(f"contents changed on the disk: {_some(damaged)}")


def size(state: Any) -> int:
  """Return the bytes of all arrays of a pytree."""
  return sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def _leaves(tree: Any) -> dict[str, Any]:
  """Return the leaves by path; empty containers and None are leaves too."""
  empty = lambda node: (
    node is None or (isinstance(node, tuple | list | dict) and not node)
  )
  flat, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=empty)
  return {
    jax.tree_util.keystr(path, simple=True, separator="/"): leaf
    for path, leaf in flat
  }


def _entry(leaf: Any) -> dict[str, Any]:
  return {"is": _kind(leaf), "crc32": _crc_of_array(leaf)}


def _kind(leaf: Any) -> str:
  if not hasattr(leaf, "dtype"):
    return "nothing"
  return f"{leaf.dtype}[{', '.join(map(str, leaf.shape))}]"


def _crc_of_array(leaf: Any) -> int | None:
  """Return the CRC-32 of the bytes, None if other processes have some."""
  if not hasattr(leaf, "dtype"):
    return None
  if isinstance(leaf, jax.Array) and not (
    leaf.is_fully_addressable or leaf.is_fully_replicated
  ):
    return None
  flat = np.ascontiguousarray(np.asarray(leaf)).reshape(-1)
  return zlib.crc32(flat.view(np.uint8).data)


def _crc_of_json(content: Mapping[str, Any]) -> int:
  return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _finite(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
  return {
    name: float(value) if value is not None and math.isfinite(value) else None
    for name, value in metrics.items()
  }


def _some(names: Any) -> str:
  ordered = sorted(names)
  more = len(ordered) - _SHOWN
  return ", ".join(ordered[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
