"""A folder with a published network's weights, checked once and for all.

`weights.safetensors` has them under their published names in float32, and
`network.json` says which network they belong to and where they came from.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.models import published
from jtr_jax.models.base import Tree
from jtr_jax.models.published.tensors import COUNTER
from jtr_jax.tensor_files import safetensors_file
from jtr_jax.tensor_files.state_dict import StateDict, read_state_dict

DESCRIPTION = "network.json"
_WEIGHTS = "weights.safetensors"
_FORMAT = 1
_BLOCK = 2**22


class Imported(NamedTuple):
  """A published network with weights.

  Attributes:
    network: <library>.<architecture>.
    variables: as `published.load` returns them, float32.
    about: what `network.json` says.
  """

  network: str
  variables: Tree
  about: dict[str, Any]


def import_file(
  path: str | os.PathLike[str],
  network: str,
  out: str | os.PathLike[str],
  *,
  ignore: Sequence[str] = (),
  place: str = "",
) -> Imported:
  """Read a file of weights, check every tensor, and keep it as a folder.

  Args:
    path: a `.safetensors` file, or one that `torch.save` wrote.
    network: <library>.<architecture> that the tensors belong to.
    out: the folder to make.
    ignore: patterns such as "fc.*" of tensors that may be left over or missing.
    place: where in the file the network is; see `read_state_dict`.

  Returns:
    The network.

  Raises:
    ValueError: a damaged file, or a tensor that is missing, left over or of
      another shape; nothing is written.
    OSError: the file cannot be read, or the folder not be written.
  """
  folder = Path(out)
  if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
    raise ValueError(
      errors.message(
        f"There is something at {folder}",
        found="a folder that is not empty" if folder.is_dir() else "a file",
        expected="a new or empty folder",
        do="Choose another --out, or delete that one.",
      )
    )
  found = read_state_dict(path, place)
  imported = from_state_dict(found, network, ignore=ignore, source=path)
  about = {
    **imported.about,
    "source": Path(path).name,
    "sha256": _digest(path),
    "place": found.place,
    "prefix": found.prefix,
  }
  _write(folder, imported._replace(about=about))
  return imported._replace(about=about)


def from_state_dict(
  found: StateDict,
  network: str,
  *,
  ignore: Sequence[str] = (),
  source: str | os.PathLike[str],
) -> Imported:
  """Return a network of tensors, each of which is accounted for.

  Args:
    found: the tensors by published name.
    network: <library>.<architecture> that they belong to.
    ignore: patterns of tensors that may be left over or missing.
    source: of the tensors, for errors.

  Raises:
    ValueError: a tensor that is missing, left over or of another shape.
  """
  try:
    variables = published.load(network, found.tensors, ignore=ignore)
  except ValueError as error:
    raise ValueError(_with_guess(str(error), found, network, source)) from error
  used = published.export(network, variables)
  _require_finite(used, source)
  left = found.tensors.keys() - used.keys()
  about = {
    "format": _FORMAT,
    "network": network,
    "ignore": list(ignore),
    "ignored": sorted(n for n in left if not n.endswith(COUNTER)),
    "tensors": len(used),
  }
  return Imported(network, variables, about)


def read(folder: str | os.PathLike[str]) -> Imported:
  """Return the network of a folder that `import_file` made.

  Args:
    folder: the folder.

  Raises:
    ValueError: no such folder, or its files were changed.
  """
  path = Path(folder) / DESCRIPTION
  try:
    about = json.loads(path.read_text())
    network, ignore = str(about["network"]), list(about["ignore"])
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise ValueError(
      errors.message(
        f"{folder} has no imported network",
        found=f"{path.name}: {type(error).__name__}: {error}",
        expected="a folder made by python -m jtr_jax.weights import",
        do="Import the file of weights again.",
      )
    ) from error
  tensors = safetensors_file.read_safetensors(path.with_name(_WEIGHTS))
  variables = published.load(network, tensors, ignore=ignore)
  return Imported(network, variables, about)


def _write(folder: Path, imported: Imported) -> None:
  """Write the folder; a half-written one does not stay."""
  tensors = published.export(imported.network, imported.variables)
  try:
    folder.mkdir(parents=True, exist_ok=True)
    safetensors_file.write_safetensors(
      folder / _WEIGHTS,
      {name: np.asarray(array, np.float32) for name, array in tensors.items()},
      {"format": "pt"},
    )
    text = json.dumps(imported.about, indent=1)
    (folder / DESCRIPTION).write_text(text + "\n")
  except OSError as error:
    shutil.rmtree(folder, ignore_errors=True)
    raise OSError(
      error.errno or 0,
      errors.message(
        f"The folder {folder} cannot be written",
        found=error.strerror or error,
        expected="a writable place with free space",
        do="Correct that and start the same command again.",
      ),
    ) from error


def _require_finite(
  tensors: Mapping[str, np.ndarray], source: str | os.PathLike[str]
) -> None:
  broken = [n for n, array in tensors.items() if not np.isfinite(array).all()]
  if broken:
    raise ValueError(
      errors.message(
        f"{os.fspath(source)}: weights that are no numbers",
        found=f"NaN or infinity in {len(broken)} tensors, first {broken[0]!r}",
        expected="finite numbers",
        do="Use the weights of an earlier step of that training.",
      )
    )


def _with_guess(
  text: str,
  found: StateDict,
  network: str,
  source: str | os.PathLike[str],
) -> str:
  """Return an error with the file's name and the network that it may be of."""
  guesses = [n for n in published.guess(tuple(found.tensors)) if n != network]
  hint = f" The names are those of {', '.join(guesses)}." if guesses else ""
  return f"{os.fspath(source)} as {network}: {text}{hint}"


def _digest(path: str | os.PathLike[str]) -> str:
  digest = hashlib.sha256()
  with Path(path).open("rb") as file:
    while block := file.read(_BLOCK):
      digest.update(block)
  return digest.hexdigest()
