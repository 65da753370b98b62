"""Unpickling restricted to a table of known names.

A pickle is a program. Here it may use only the instructions that arrays and
containers need, and name nothing but the entries of a table. These are plain
values or callables without attributes: it cannot import, call or change
anything else.
"""

import io
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any

from jtr_jax.core import errors

Names = Mapping[tuple[str, str], Any]
"""(module, name) as written in the pickle -> what stands for it here."""

_INSTRUCTIONS = (
  *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE"),
  *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
  *("FLOAT", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
  *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
  *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
  *("EMPTY_LIST", "LIST", "APPEND", "APPENDS"),
  *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
  *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
  *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
)
"""None of them can ask for more memory than the file has bytes, but for a
number in the memo, which is checked."""

_BUILDING = ("NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "EXT1", "EXT2", "EXT4")
"""They build objects of any class."""


def load(
  stream: io.BytesIO,
  names: Names,
  *,
  source: str,
  persistent: Callable[[Any], Any] | None = None,
) -> Any:
  """Return the object of the next pickle in a stream.

  Args:
    stream: positioned at the pickle; afterwards just behind it.
    names: what the pickle may name.
    source: the file, for messages.
    persistent: returns the object for a persistent id, if ids may occur.

  Returns:
    The unpickled object.

  Raises:
    ValueError: the pickle is broken or names anything else.
  """
  try:
    _check_instructions(stream, names)
    return _Unpickler(stream, names, persistent).load()
  except _ForbiddenError as error:
    raise ValueError(
      errors.message(
        f"{source}: refused, the file asks to run code",
        found=f"a reference to {error}",
        expected="plain arrays, numbers and texts",
        do="Do not open this file with other programs unless you trust its "
        "author. A file of your own: save the dictionary of tensors alone, "
        "torch.save(model.state_dict(), FILE).",
      )
    ) from None
  except Exception as error:  # a broken pickle can raise nearly anything
    raise broken(source, f"{type(error).__name__}: {error}") from error


def broken(source: str, found: object) -> ValueError:
  """Return the error for a damaged file (not raised)."""
  return ValueError(
    errors.message(
      f"{source}: the file is damaged or of another kind",
      found=found,
      expected="a file as torch.save or numpy.save writes it",
      do="Get the file again, and compare its size with the original.",
    )
  )


class _ForbiddenError(Exception):
  """A pickle names something that is not in the table."""


def _check_instructions(stream: io.BytesIO, names: Names) -> None:
  """Read the next pickle without running it, and go back to its start."""
  start = stream.tell()
  size = len(stream.getbuffer())
  for instruction, argument, _ in pickletools.genops(stream):
    if instruction.name == "GLOBAL":
      module, _, name = str(argument).partition(" ")
      if (module, name) not in names:
        raise _ForbiddenError(f"{module}.{name}")
    if instruction.name in _BUILDING:
      raise _ForbiddenError(f"a class by the instruction {instruction.name}")
    if instruction.name not in _INSTRUCTIONS:
      raise ValueError(f"the instruction {instruction.name}")
    if instruction.name.endswith("PUT") and int(argument or 0) > size:
      raise ValueError(f"the memo number {argument}")
  stream.seek(start)


class _Unpickler(pickle.Unpickler):
  def __init__(
    self,
    stream: io.BytesIO,
    names: Names,
    persistent: Callable[[Any], Any] | None,
  ) -> None:
    super().__init__(stream, encoding="latin1")  # of what Python 2 wrote
    self._names = names
    self._persistent = persistent

  def find_class(self, module: str, name: str) -> Any:
    try:
      return self._names[module, name]
    except KeyError:
      raise _ForbiddenError(f"{module}.{name}") from None

  def persistent_load(self, pid: Any) -> Any:
    if self._persistent is None:
      raise _ForbiddenError("a persistent object")
    return self._persistent(pid)
