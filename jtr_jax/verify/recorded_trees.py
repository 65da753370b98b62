"""Predictions, losses and trees of parameters beside their records."""

from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import Predictions
from jtr_jax.models.base import Tree
from jtr_jax.tasks.base import Task
from jtr_jax.verify.comparison import Quantity, Recording

LOSS_TOLERANCE = 1e-5
"""Of predictions, losses and gradients that are recomputed in float64."""

_GRADIENT_FLOOR = 1e-6  # of the network's largest gradient


def prediction(
  recording: Recording,
  tasks: tuple[Task, ...],
  name: str,
  predictions: Predictions,
  tolerance: float = LOSS_TOLERANCE,
) -> Quantity:
  """Return the predictions [B, H, W, C] of all tasks beside their record."""
  joined = jnp.concatenate([predictions[task.name] for task in tasks], axis=-1)
  return feature_map(recording, name, joined, tolerance)


def feature_map(
  recording: Recording,
  name: str,
  values: jax.Array,
  tolerance: float = LOSS_TOLERANCE,
) -> Quantity:
  """Return an array [B, H, W, C] beside its record, channels first."""
  actual = np.asarray(values).transpose(0, 3, 1, 2)
  return Quantity(name, recording[name], actual, tolerance)


def losses(
  recording: Recording, computed: Mapping[str, jax.Array]
) -> Iterator[Quantity]:
  """Yield the arrays "loss/<name>" beside their records."""
  for name, value in computed.items():
    name = f"loss/{name}"
    yield Quantity(name, recording[name], np.asarray(value), LOSS_TOLERANCE)


def gradients(
  recorded: Mapping[str, Tree], recomputed: Mapping[str, Tree]
) -> Iterator[Quantity]:
  """Yield gradients of networks; of a bias ahead of batch norm it is noise.

  Args:
    recorded: for each network its tree.
    recomputed: the same, which may hold more networks.
  """
  for network, tree in recorded.items():
    largest = max(
      float(np.max(np.abs(leaf), where=~np.isnan(leaf), initial=0))
      for leaf in map(np.asarray, jax.tree.leaves(tree))
    )
    prefix = f"grad_{network}"
    for name, expected, actual in pairs(prefix, tree, recomputed[network]):
      floor = _GRADIENT_FLOOR * largest
      yield Quantity(name, expected, actual, LOSS_TOLERANCE, floor)


def pairs(
  prefix: str, recorded: Tree, recomputed: Tree
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
  """Yield name, recorded and recomputed array of every leaf."""
  leaves = jax.tree.leaves_with_path(recorded)
  actual = jax.tree.leaves(recomputed)
  for (path, leaf), value in zip(leaves, actual, strict=True):
    name = jax.tree_util.keystr(path, simple=True, separator="/")
    yield f"{prefix}/{name}", np.asarray(leaf), np.asarray(value)
