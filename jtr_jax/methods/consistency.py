"""Consistency regularisation of unlabelled tasks.

Source: Nishi et al., CVPR 2024, Eq. (2).
"""

from collections.abc import Mapping
from typing import Annotated

import chex
import jax
import jax.numpy as jnp

from jtr_jax.core import numerics
from jtr_jax.core.fields import NOT_NEGATIVE, Source
from jtr_jax.core.types import Labels, Predictions, ViewSpec
from jtr_jax.methods import variants
from jtr_jax.methods.base import (
  Method,
  MethodInput,
  MethodOutput,
  Tree,
  no_pictures,
  no_variables,
)
from jtr_jax.methods.supervised import LabelWeighting, supervised_losses, view
from jtr_jax.methods.traits import Traits, declare
from jtr_jax.methods.variants import Variant
from jtr_jax.tasks.base import Task

VARIANTS: Mapping[str, Variant] = {
  "paper": variants.JTR_PAPER,
  "official": variants.MTPSL_RELEASED._replace(
    method={"label_weighting": "sum"}, augment=variants.RELEASED_RESIZING
  ),
}
"""The setting of the JTR paper, and that of MTPSL's programs, whose paper the
published numbers come from. No program of this method was released; colours
change here in both, because its two views differ in nothing else."""


@declare(Traits(VARIANTS))
def consistency(
  tasks: tuple[Task, ...],
  *,
  weight: Annotated[float, NOT_NEGATIVE, Source("JTR, Eq. (2)")] = 1.0,
  label_weighting: LabelWeighting = "image",
) -> Method:
  """Return supervised learning plus agreement between two colourings.

  For every image, the mean over its unlabelled tasks of the mean squared
  distance between the predictions for two views that differ only in colour:
  (1/B) sum_x sum_{t in U_x} 1/|U_x| mean_pixels |y^t(A(x)) - y^t(A'(x))|^2.

  Args:
    tasks: the tasks, in order.
    weight: factor of the consistency term; the paper has 1.
    label_weighting: see `supervised`.

  Returns:
    A method with two views and no parameters.

  Source: JTR paper, Eq. (2).
  Deviations: the paper leaves the augmentations and the distance open ("e.g.
    L2"): here colour augmentation alone, so that pixels correspond, and the
    squared L2 distance of class probabilities, depths and unit normals.
  """

  def losses(params: Tree, state: Tree, inputs: MethodInput) -> MethodOutput:
    del params
    first, second = (view(inputs.predictions, index) for index in (0, 1))
    labels = view(inputs.labels, 0)
    distance = _disagreement(tasks, first, second, labels)
    return MethodOutput(
      supervised_losses(tasks, first, labels, label_weighting=label_weighting),
      {"consistency": weight * distance},
      state,
    )

  views = (ViewSpec(None), ViewSpec(0, geometric=False))
  return Method(views, no_variables, losses, no_pictures)


def _disagreement(
  tasks: tuple[Task, ...],
  first: Predictions,
  second: Predictions,
  labels: Labels,
) -> jax.Array:
  """Return f32[B], averaged over the pixels and the unlabelled tasks.

  A label that leaves classes open at a share of its pixels counts as that share
  of an unlabelled task, and what it rules out is not compared.
  """
  distances, weights = [], []
  for task in tasks:
    label = labels[task.name]
    a, b = (
      task.comparable(task.restrict(p[task.name], label))
      for p in (first, second)
    )
    chex.assert_equal_shape([a, b])
    squared = jnp.sum(jnp.square(a - b), axis=-1)
    absent = ~label.present
    weight = absent.astype(squared.dtype)
    if task.has_sets:
      is_open = task.leaves_open(label) | absent[:, None, None]
      squared = jnp.where(is_open, squared, 0)
      weight = jnp.mean(is_open, axis=(1, 2), dtype=squared.dtype)
    distances.append(jnp.mean(squared, axis=(1, 2)))
    weights.append(weight)
  counted = jnp.stack(weights)
  total = jnp.sum(jnp.where(counted > 0, jnp.stack(distances), 0), axis=0)
  return numerics.safe_divide(total, jnp.sum(counted, axis=0))
