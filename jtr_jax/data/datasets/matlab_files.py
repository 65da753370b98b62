"""Reads variables of MATLAB 5 files; errors name the file and the fault."""

import zlib
from pathlib import Path

import numpy as np
import scipy.io

from jtr_jax.core import errors

_HDF5 = b"\x89HDF\r\n\x1a\n"
_USERBLOCK = 512  # bytes before the HDF5 of a MATLAB 7.3 file
_UNREADABLE = (
  OSError,
  KeyError,
  ValueError,
  TypeError,  # what scipy raises for some truncated files
  NotImplementedError,  # another version of the format
  zlib.error,
  scipy.io.matlab.MatReadError,
)


def read(path: Path, name: str) -> np.ndarray:
  """Return one variable.

  Args:
    path: a MATLAB 5 file.
    name: of the variable.

  Returns:
    The array; cells and structs are object and record arrays.

  Raises:
    ValueError: naming the file, if it is broken, of MATLAB 7.3, or has no such
      variable.
  """
  try:
    with path.open("rb") as file:
      start = file.read(_USERBLOCK + len(_HDF5))
    if start.startswith(_HDF5) or start.endswith(_HDF5):
      raise ValueError("a MATLAB 7.3 file, which is HDF5")
    array: np.ndarray = scipy.io.loadmat(path, variable_names=[name])[name]
  except _UNREADABLE as error:
    raise ValueError(
      errors.message(
        f"{path} cannot be read",
        found=f"{type(error).__name__}: {error}",
        expected=f"a MATLAB 5 file with {name}",
        do="Download it again.",
      )
    ) from error
  return array
