"""Texts of the command line about weights."""

from pathlib import Path

import numpy as np

from jtr_jax.pretrained import recognition
from jtr_jax.pretrained.export import Exported
from jtr_jax.pretrained.imported import Imported
from jtr_jax.tensor_files.state_dict import StateDict

_SHOWN = 6


def describe(path: Path, found: StateDict) -> str:
  """Return a table of the tensors of a file, and whose they may be.

  Args:
    path: the file.
    found: what is in it.
  """
  numbers = sum(array.size for array in found.tensors.values())
  where = f" under {found.place!r}" if found.place else ""
  without = f", without {found.prefix!r} before them" if found.prefix else ""
  width = max(map(len, found.tensors), default=0)
  rows = [
    f"  {name:<{width}}  {array.dtype!s:<8}  {_shape(array)}"
    for name, array in found.tensors.items()
  ]
  head = (
    f"{path}: {len(found.tensors)} tensors{where}{without}, {numbers:,} numbers"
  )
  return "\n".join([head, *rows, _whose(path, found)]) + "\n"


def summarise(out: Path, network: Imported) -> str:
  """Return a summary of an import.

  Args:
    out: the folder.
    network: what is in it.
  """
  ignored = network.about["ignored"]
  lines = [
    f"{out}: {network.about['tensors']} tensors of {network.network}",
    *([f"ignored: {_some(ignored)}"] if ignored else []),
  ]
  return "\n".join(lines) + "\n"


def of_export(out: Path, step: int, made: Exported) -> str:
  """Return what was exported.

  Args:
    out: the file.
    step: of the checkpoint.
    made: what is in it.
  """
  lines = [
    f"{out}: {len(made.tensors)} tensors of {made.network}, step {step}",
    *([f"not in it: {_some(made.left_out)}"] if made.left_out else []),
    *([f"not of ours: {_some(made.missing)}"] if made.missing else []),
  ]
  return "\n".join(lines) + "\n"


def _whose(path: Path, found: StateDict) -> str:
  fitting = recognition.fitting(found)
  if fitting:
    inside = f" --inside={found.place}" if found.place else ""
    return (
      f"These are the tensors of {', '.join(fitting)}.\nKeep them: python -m "
      f"jtr_jax.weights import {path}{inside} --network={fitting[0]} --out=DIR"
    )
  near = recognition.nearest(found)
  if near is None:
    return "No known network has most of these tensors."
  return (
    f"No known network has exactly these tensors. Nearest: {near.network}, "
    f"{_counted(near.missing, 'missing')}, "
    f"{_counted(near.left_over, 'left over')}."
  )


def _counted(names: tuple[str, ...], what: str) -> str:
  return f"{len(names)} {what}" + (f" ({_some(names)})" if names else "")


def _some(names: tuple[str, ...] | list[str]) -> str:
  more = len(names) - _SHOWN
  return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _shape(array: np.ndarray) -> str:
  return " x ".join(map(str, array.shape)) or "a single number"
