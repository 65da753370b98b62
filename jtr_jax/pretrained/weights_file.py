"""A trained network's arrays as one .safetensors file, without checkpoints."""

from pathlib import Path

import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.models.base import Tree
from jtr_jax.tensor_files import safetensors_file

NAME = "model.safetensors"
_STEP = "step"


def write(folder: Path, params: Tree, model_state: Tree, step: int) -> None:
  """Write the arrays, named by their paths, such as "params/encoder/...".

  Args:
    folder: where the file goes.
    params: of the network, by stage.
    model_state: running statistics, by stage.
    step: of the training.

  Raises:
    OSError: it cannot be written.
  """
  arrays = _named({"params": params, "model_state": model_state})
  tensors = {name: np.asarray(value) for name, value in arrays.items()}
  tensors[_STEP] = np.asarray(step, np.int32)
  safetensors_file.write_safetensors(
    folder / NAME, tensors, {"format": "jtr_jax"}
  )


def read(folder: Path, wanted: Tree) -> tuple[Tree, int]:
  """Return the arrays as a tree on the first device, and the step.

  Args:
    folder: where the file is.
    wanted: {"params": ..., "model_state": ...} of shapes and dtypes.

  Raises:
    ValueError: the file is damaged, or of another network.
  """
  found = safetensors_file.read_safetensors(folder / NAME)
  step = int(found.pop(_STEP, np.asarray(-1)))
  names = _named(wanted)
  wrong = [
    name
    for name in sorted(found.keys() | names.keys())
    if name not in found
    or name not in names
    or found[name].shape != names[name].shape
    or found[name].dtype != names[name].dtype
  ]
  if wrong or step < 0:
    raise ValueError(
      errors.message(
        f"{folder / NAME} is not of the network that config.json describes",
        found=f"{len(wrong)} other arrays, such as {(wrong or [_STEP])[0]}",
        expected=f"the {len(names)} arrays of that network, and its step",
        do="Get the whole folder again.",
      )
    )
  leaves = [jax.device_put(found[name]) for name in names]
  return jax.tree.unflatten(jax.tree.structure(wanted), leaves), step


def _named(tree: Tree) -> dict[str, jax.Array]:
  """Return the leaves of a tree by their paths."""
  flat, _ = jax.tree_util.tree_flatten_with_path(tree)
  return {
    jax.tree_util.keystr(path, simple=True, separator="/"): leaf
    for path, leaf in flat
  }
