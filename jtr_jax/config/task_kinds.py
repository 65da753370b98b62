"""From the description of a task in a manifest to the task."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jtr_jax.tasks.base import Task
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.edges import Edges
from jtr_jax.tasks.human_parts import HumanParts
from jtr_jax.tasks.multilabel import MultiLabel
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.regression import Regression
from jtr_jax.tasks.saliency import Saliency
from jtr_jax.tasks.scalar import Scalar
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.tasks.soft_labels import SoftLabels


def _of_classes(
  make: Callable[..., Task],
  name: str,
  *,
  classes: tuple[str, ...],
  sets: tuple[Sequence[int], ...] = (),
  **fields: Any,
) -> Task:
  if sets:
    fields["sets"] = tuple(map(tuple, sets))
  return make(name, num_classes=len(classes), class_names=classes, **fields)


def _regression(
  name: str, *, channels: int = 1, unit: str = "", **fields: Any
) -> Task:
  """Numbers without further meaning for each pixel."""
  del unit  # nothing is written in it
  return Regression(name, channels=channels, **fields)


def _scalar(name: str, *, channels: int = 1, **fields: Any) -> Task:
  """One number, or a few, for each image."""
  return Scalar(name, channels=channels, **fields)


def _soft_labels(
  name: str, *, grid: tuple[int, ...] = (), **fields: Any
) -> Task:
  """Probabilities of classes for images, cells or pixels."""
  return _of_classes(SoftLabels, name, cells=grid, **fields)


TASK_KINDS: Mapping[str, Callable[..., Task]] = {
  "segmentation": functools.partial(_of_classes, Segmentation),
  "human_parts": functools.partial(_of_classes, HumanParts),
  "depth": Depth,
  "inverse_depth": InverseDepth,
  "normals": Normals,
  "regression": _regression,
  "saliency": Saliency,
  "edges": Edges,
  "classification": functools.partial(_of_classes, Classification),
  "multilabel": functools.partial(_of_classes, MultiLabel),
  "scalar": _scalar,
  "soft_labels": _soft_labels,
}
"""Kind -> (name, **what the manifest says of it) -> task."""
