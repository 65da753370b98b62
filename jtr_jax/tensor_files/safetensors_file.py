"""Arrays in `.safetensors` files."""

import os
import pathlib
from collections.abc import Mapping

import numpy as np
import safetensors
import safetensors.numpy

from jtr_jax.core import errors


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
  """Return all tensors of a file.

  Args:
    path: the file; it holds numbers and their names and nothing that could run.

  Returns:
    An array for each name; bfloat16 is that of `ml_dtypes`.

  Raises:
    ValueError: the file is damaged or of another kind.
    OSError: it cannot be read.
  """
  try:
    return dict(safetensors.numpy.load_file(path))
  except (safetensors.SafetensorError, KeyError, TypeError) as error:
    raise ValueError(
      errors.message(
        f"{os.fspath(path)}: the file is damaged or of another kind",
        found=error,
        expected="a whole .safetensors file",
        do="Get the file again, and compare its size with the original.",
      )
    ) from error


def write_safetensors(
  path: str | os.PathLike[str],
  tensors: Mapping[str, np.ndarray],
  metadata: Mapping[str, str] | None = None,
) -> None:
  """Write a file that is whole or not there.

  Args:
    path: of the file; its folder must exist.
    tensors: an array for each name.
    metadata: texts for the header.

  Raises:
    OSError: the file cannot be written; what was there is still there.
  """
  # The library takes the bytes as they lie, whatever the strides say.
  whole = {
    name: np.ascontiguousarray(array).reshape(np.shape(array))
    for name, array in tensors.items()
  }
  target = pathlib.Path(path)
  temporary = target.with_name(target.name + ".tmp")
  try:
    safetensors.numpy.save_file(whole, temporary, dict(metadata or {}) or None)
    temporary.replace(target)
  except (safetensors.SafetensorError, OSError) as error:
    temporary.unlink(missing_ok=True)
    why = getattr(error, "strerror", None) or error
    raise OSError(
      getattr(error, "errno", None) or 0,
      errors.message(
        f"{target} cannot be written",
        found=why,
        expected="a writable place with free space",
        do="Correct that and start the same command again.",
      ),
    ) from error
