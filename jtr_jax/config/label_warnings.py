"""Warnings about labels that a method does not use."""

import numpy as np
from absl import logging

from jtr_jax.config.settings import Part


def warn_of_unlabelled(method: Part, present: np.ndarray) -> None:
  """Warn if images have no label and the method does not learn from them.

  Args:
    method: the method.
    present: bool[N, K], which labels the run sees.
  """
  count = int((~present.any(axis=1)).sum())
  if count and method.fields.get("unlabelled") == "none":
    logging.warning(
      "%d of %d images have no label. With method.unlabelled='none' they train "
      "only the auto-encoder; 'consistency' uses them (JTR, Sec. 4.4).",
      count,
      len(present),
    )


def warn_of_idle_pairs(method: Part, present: np.ndarray) -> None:
  """Warn if a method pairs unlabelled with labelled tasks and has no pair.

  Args:
    method: the method.
    present: bool[N, K], which labels the run sees.
  """
  has_pair = present.any(axis=1) & ~present.all(axis=1)
  if method.fields.get("fully_labelled") == "none" and not has_pair.any():
    logging.warning(
      "No image has both labelled and unlabelled tasks: the cross-task term is "
      "0. method.fully_labelled='all_pairs' relates the tasks of images with "
      "all labels, as the released --ssl-type full does."
    )
