"""What a checkpoint says about itself, and whether that is still true.

Orbax keeps no checksum of the arrays: a byte that changes on the disk would
come back as another number. So every checkpoint has a manifest.json: the
CRC-32 of the files of the arrays, name, dtype and shape of each array, and what
else is needed to resume.
"""

import json
import math
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax

from jtr_jax.core import errors, places

_NAME = "manifest.json"
_FORMAT = 1
_SHOWN = 8
_BLOCK = 2**22


def describe(
  state: Any,
  *,
  metrics: Mapping[str, float | None] | None,
  extra: Mapping[str, Any] | None,
) -> dict[str, Any]:
  """Return what is known about a checkpoint before it is written.

  Args:
    state: pytree of arrays.
    metrics: results of an evaluation; NaN and infinity are kept as null.
    extra: anything JSON can hold.

  Returns:
    A dictionary as it will come back from JSON.
  """
  content = {
    "format": _FORMAT,
    "arrays": _kinds(state),
    "metrics": None if metrics is None else _finite(metrics),
    "extra": dict(extra or {}),
  }
  return json.loads(json.dumps(content))


def write(folder: Path, described: Mapping[str, Any], *, part: str) -> None:
  """Write the manifest of a checkpoint whose arrays are complete.

  Args:
    folder: of the checkpoint.
    described: from `describe`.
    part: the folder inside it that holds the arrays.
  """
  crcs = {
    str(path.relative_to(folder)): _crc_of_file(path)
    for path in places.files_below(folder / part)
  }
  content = {**described, "files": crcs}
  text = json.dumps({**content, "crc32": _crc_of_json(content)}, indent=1)
  (folder / _NAME).write_text(text)


def read(folder: Path) -> dict[str, Any]:
  """Return the manifest of a checkpoint.

  Args:
    folder: of the checkpoint.

  Returns:
    What was described, and the CRC-32 of each file.

  Raises:
    ValueError: it was changed, or is of another format.
    OSError: there is none.
  """
  content = json.loads((folder / _NAME).read_text())
  if not isinstance(content, dict):
    raise ValueError(f"{_NAME} holds no object")
  if content.pop("crc32", None) != _crc_of_json(content):
    raise ValueError(f"{_NAME} has changed since it was written")
  if content["format"] != _FORMAT:
    raise ValueError(f"its format is {content['format']}, not {_FORMAT}")
  return content


def check_files(folder: Path, content: Mapping[str, Any]) -> None:
  """Raise unless every file is as it was written.

  Args:
    folder: of the checkpoint.
    content: its manifest.

  Raises:
    ValueError: names the files that have changed or are missing.
  """
  changed = [
    name
    for name, crc in content["files"].items()
    if not (folder / name).is_file() or _crc_of_file(folder / name) != crc
  ]
  if changed:
    raise ValueError(f"files changed or missing: {_some(changed)}")


def check_arrays(
  content: Mapping[str, Any],
  target: Any,
  folder: Path,
  *,
  may_have_more: bool = False,
) -> None:
  """Raise unless a checkpoint holds just the arrays that are asked for.

  Args:
    content: its manifest.
    target: pytree of `jax.ShapeDtypeStruct`.
    folder: of the checkpoint, for the error.
    may_have_more: it may hold others, too.

  Raises:
    ValueError: names, shapes or dtypes differ; the text lists them.
  """
  stored, wanted = content["arrays"], _kinds(target)
  if may_have_more:
    stored = {name: kind for name, kind in stored.items() if name in wanted}
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
      f"The checkpoint {folder} is of another model, method or optimiser",
      found="; ".join(f"{k}: {_some(v)}" for k, v in groups.items() if v),
      expected=f"the {len(wanted)} arrays of this configuration",
      do="Use the configuration it was trained with (config.json in its "
      "workdir), or another workdir.",
    )
  )


def size(state: Any) -> int:
  """Return the bytes of all arrays of a pytree."""
  return sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def _kinds(tree: Any) -> dict[str, str]:
  """Return what is at each path; empty containers and None are there too."""
  empty = lambda node: (
    node is None or (isinstance(node, tuple | list | dict) and not node)
  )
  flat, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=empty)
  return {
    jax.tree_util.keystr(path, simple=True, separator="/"): _kind(leaf)
    for path, leaf in flat
  }


def _kind(leaf: Any) -> str:
  if not hasattr(leaf, "dtype"):
    return "nothing"
  return f"{leaf.dtype}[{', '.join(map(str, leaf.shape))}]"


def _crc_of_file(path: Path) -> int:
  crc = 0
  with path.open("rb") as file:
    while block := file.read(_BLOCK):
      crc = zlib.crc32(block, crc)
  return crc


def _crc_of_json(content: Mapping[str, Any]) -> int:
  return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _finite(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
  return {
    name: float(value) if value is not None and math.isfinite(value) else None
    for name, value in metrics.items()
  }


def _some(names: Collection[str]) -> str:
  ordered = sorted(names)
  more = len(ordered) - _SHOWN
  return ", ".join(ordered[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
