"""What an exported file takes and gives, in words and as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jtr_jax
from jtr_jax.export.network import Network
from jtr_jax.tasks.base import Task


def to_json(network: Network, form: str) -> str:
  """Return what stands beside the file.

  Args:
    network: that was exported.
    form: of the file.
  """
  trained = network.trained
  content = {
    "format": form,
    "jtr_jax": jtr_jax.__version__,
    "step": trained.step,
    "input": {
      "name": "images",
      "dtype": "float32",
      "shape": ["B", *_size(network), 3],
      "range": [0, 1],
      "fit": trained.about.fit,
      "training_size": list(trained.about.size),
    },
    "outputs": {task.name: _output(task, network) for task in trained.tasks},
  }
  return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def summary(
  network: Network, out: Path, size: int, differences: Mapping[str, float]
) -> str:
  """Return what the command prints.

  Args:
    network: that was exported.
    out: the file.
    size: bytes of it.
    differences: task -> largest difference to the checkpoint.
  """
  height, width = _size(network)
  lines = [
    f"{out}: {size / 1e6:.1f} MB, step {network.trained.step}",
    f"  images f32[B, {height}, {width}, 3], in [0, 1]",
  ]
  for task in network.trained.tasks:
    shape = ", ".join(map(str, _output(task, network)["shape"]))
    lines.append(
      f"  {task.name} f32[{shape}], read again: within "
      f"{differences[task.name]:.1e} of the checkpoint"
    )
  return "\n".join(lines) + "\n"


def _output(task: Task, network: Network) -> dict[str, Any]:
  size = task.grid or _size(network)
  found: dict[str, Any] = {
    "kind": task.kind,
    "shape": ["B", *size, task.channels],
  }
  if unit := getattr(task, "unit", ""):
    found["unit"] = unit
  if names := getattr(task, "class_names", ()):
    found["classes"] = list(names)
  return found


def _size(network: Network) -> tuple[int, int] | tuple[str, str]:
  if network.size is None:
    return f"{network.stride}*h", f"{network.stride}*w"
  return network.size
