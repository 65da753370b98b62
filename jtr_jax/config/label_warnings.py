"""Warnings about labels that a method does not use."""

import numpy as np
from absl import logging

from jtr_jax.config.settings import Part
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
