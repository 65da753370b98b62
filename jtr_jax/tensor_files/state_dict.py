"""The named arrays of a trained network, from any file that has them.

A training program may store its network among other things, `{"epoch": 3,
"state_dict": {...}}`, and under names that begin with those of its wrappers.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.tensor_files import safetensors_file, torch_file
from jtr_jax.tensor_files.torch_names import Tensor

_PLACES = (
  "state_dict",
  "model_state_dict",
  "model",
  "module",
  "net",
  "network",
)
_WRAPPERS = ("module.", "_orig_mod.", "model.")
_TORCH = (b"PK\x03\x04", b"\x80\x02\x8a\x0a")
_OTHERS: Mapping[bytes, str] = {
  b"version ": "a pointer of Git LFS, not the file it stands for",
  b"<!DOCTYP": "a web page",
  b"<!doctyp": "a web page",
  b"<html": "a web page",
  b"\x1f\x8b": "a gzip archive",
  b"\x89HDF": "an HDF5 file",
}
_SHOWN = 8
_DEEPEST = 4


class StateDict(NamedTuple):
  """The arrays of a network.

  Attributes:
    tensors: array for each name, perhaps not writable.
    place: where in the file they are, such as "state_dict"; "" for its top.
    prefix: what all names began with, such as "module."; it is taken off.
  """

  tensors: dict[str, np.ndarray]
  place: str
  prefix: str


def read_state_dict(path: str | os.PathLike[str], place: str = "") -> StateDict:
  """Return the arrays of the network in a file.

  Args:
    path: a `.safetensors` file, or one that `torch.save` wrote, whatever it is
      called.
    place: where in the file the network is, keys joined by "."; "" looks at the
      top and at "state_dict", "model_state_dict", "model" and the like.

  Returns:
    All arrays that are there.

  Raises:
    ValueError: the file is damaged, tries to run code, or has no network there.
    OSError: it cannot be read.
  """
  source = os.fspath(path)
  start = _first_bytes(path)
  if start.startswith(_TORCH):
    found: list[str] = []

    def choose(content: Any) -> Mapping[str, Tensor]:
      keys, tensors = _find(
        content, tuple(filter(None, place.split("."))), source
      )
      found.extend(keys)
      return tensors

    tensors = torch_file.read_torch_tensors(path, choose)
    return _unwrapped(tensors, ".".join(found))
  if start[8:9] == b"{" and not place:
    return _unwrapped(safetensors_file.read_safetensors(path), "")
  raise _unknown_kind(source, start, place)


def _first_bytes(path: str | os.PathLike[str]) -> bytes:
  """Return the first nine bytes, of a file only: a pipe would wait for ever."""
  mode = os.stat(path).st_mode
  if not stat.S_ISREG(mode):
    raise ValueError(
      errors.message(
        f"{os.fspath(path)} is no file",
        found="a folder" if stat.S_ISDIR(mode) else "a device or pipe",
        expected="a .safetensors, .pth or .pt file",
        do="Name the file itself.",
      )
    )
  with Path(path).open("rb") as file:
    return file.read(9)


def _find(
  content: Any, place: tuple[str, ...], source: str
) -> tuple[tuple[str, ...], Mapping[str, Tensor]]:
  """Return where the tensors by name are, and these."""
  for key in place:
    if not isinstance(content, dict) or key not in content:
      known = content if isinstance(content, dict) else ()
      raise errors.unknown_name(f"part of {source}", key, map(str, known))
    content = content[key]
  found = content
  for _ in range(_DEEPEST):
    if _holds_tensors(found):
      return place, found
    key = next((key for key in _PLACES if _is_filled(found, key)), "")
    if not key:
      break
    place, found = (*place, key), found[key]
  raise _no_network(found, place, source)


def _is_filled(content: Any, key: str) -> bool:
  inside = content.get(key) if isinstance(content, dict) else None
  return isinstance(inside, dict) and bool(inside)


def _holds_tensors(content: Any) -> bool:
  return (
    isinstance(content, dict)
    and bool(content)
    and all(isinstance(name, str) for name in content)
    and all(isinstance(value, Tensor) for value in content.values())
  )


def _unwrapped(tensors: Mapping[str, np.ndarray], place: str) -> StateDict:
  """Return the arrays without what wrappers put before every name."""
  removed = ""
  for _ in range(len(_WRAPPERS)):
    for prefix in _WRAPPERS:
      if tensors and all(name.startswith(prefix) for name in tensors):
        tensors = {n.removeprefix(prefix): a for n, a in tensors.items()}
        removed += prefix
  return StateDict(dict(tensors), place, removed)


def _no_network(
  content: Any, place: tuple[str, ...], source: str
) -> ValueError:
  found = f"a {type(content).__name__}"
  if isinstance(content, dict):
    others = [str(k) for k, v in content.items() if not isinstance(v, Tensor)]
    tensors = len(content) - len(others)
    found = f"{tensors} tensors and, besides, {_some(others)}"
    found = found if content else "nothing at all"
  return ValueError(
    errors.message(
      f"{source}: no dictionary of tensors"
      + (f" under {'.'.join(place)!r}" if place else ""),
      found=found,
      expected="tensors by name, at the top or under one of "
      + ", ".join(_PLACES),
      do="If they are elsewhere in the file, say where: --inside=KEY.",
    )
  )


def _unknown_kind(source: str, start: bytes, place: str) -> ValueError:
  found = next(
    (kind for begin, kind in _OTHERS.items() if start.startswith(begin)),
    f"it begins with {start!r}" if start else "an empty file",
  )
  if start[8:9] == b"{" and place:
    found = f"a .safetensors file, which has no part {place!r}"
  return ValueError(
    errors.message(
      f"{source}: not a file of trained weights",
      found=found,
      expected="a .safetensors file, or one that torch.save wrote",
      do="Get the file again, and compare its size with the original.",
    )
  )


def _some(names: list[str]) -> str:
  more = len(names) - _SHOWN
  shown = ", ".join(map(repr, names[:_SHOWN]))
  return shown + (f" and {more} more" if more > 0 else "")
