"""Warnings about labels that a method does not use."""

import numpy as np
from absl import logging

from jtr_jax.config.settings import Part
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.records.manifest import Split
from jtr_jax.methods.traits import traits_of


def warn(method: Part, present: np.ndarray) -> None:
  """Log the warning of a method about the labels of a run, if it has one.

  Args:
    method: the method.
    present: bool[N, K], which labels the run sees.
  """
  text = traits_of(method.build).label_warning(method.fields, present)
  if text:
    logging.warning("%s", text)


def warn_of_missing_labels(
  file: str, labels: LabelSplit | None, split: Split
) -> None:
  """Warn if the user's split names labels that the data does not have.

  Args:
    file: of the split; "" for one that was drawn.
    labels: which labels may be seen.
    split: which labels exist.
  """
  if not file or labels is None:
    return
  for task, named in zip(labels.tasks, labels.labelled.T, strict=True):
    lacking = np.flatnonzero(named & ~split.labelled.get(task, ~named))
    if lacking.size:
      logging.warning(
        "%s names %d labels for %s that the data does not have: %s%s",
        file,
        lacking.size,
        task,
        ", ".join(labels.ids[i] for i in lacking[:3]),
        ", ..." if lacking.size > 3 else "",
      )
