"""Supervised learning on the labels that exist: STL and Supervised MTL.

Source: Nishi et al., CVPR 2024, Eq. (1).
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import chex
import jax
import jax.numpy as jnp

from jtr_jax.core import numerics
from jtr_jax.core.types import Labels, Predictions, ViewSpec, Weighted
from jtr_jax.methods import variants
from jtr_jax.methods.base import (
  Method,
  MethodInput,
  MethodOutput,
  Tree,
  no_pictures,
  no_variables,
)
from jtr_jax.methods.traits import Traits, declare
from jtr_jax.methods.variants import Variant
from jtr_jax.tasks.base import Task

LabelWeighting: TypeAlias = Literal["image", "sum"]
"""Weight of a task's loss in an image with n labels: 1/n, or 1."""

VARIANTS: Mapping[str, Variant] = {
  "paper": variants.JTR_PAPER,
  "official": variants.MTPSL_RELEASED._replace(
    method={"label_weighting": "sum"}
  ),
}
"""The setting of the JTR paper, and that of MTPSL's nyu_mtl_sl.py."""

SINGLE_TASK_VARIANTS: Mapping[str, Variant] = {
  **VARIANTS,
  "official": VARIANTS["official"]._replace(
    experiment={"single_task_images": "all"}
  ),
}
"""As `VARIANTS`; MTPSL's nyu_stl_sl.py walks all images for every task.
Deviations: it makes no update where a batch has no label; here Adam's averages
still move the parameters."""


@declare(Traits(VARIANTS))
def supervised(
  tasks: tuple[Task, ...], *, label_weighting: LabelWeighting = "image"
) -> Method:
  """Return the method that uses nothing but the present labels.

  The objective is (1/B) sum_x sum_{t in T_x} c_x L^t(prediction, label), where
  L^t is the mean over the valid pixels of the image and c_x = 1/|T_x|. With one
  task this is single-task learning.

  Args:
    tasks: the tasks, in order.
    label_weighting: "image" for c_x = 1/|T_x|, "sum" for c_x = 1.

  Returns:
    A method with one view and no parameters.

  Source: JTR paper, Eq. (1); the released code uses c_x = 1.
  """

  def losses(params: Tree, state: Tree, inputs: MethodInput) -> MethodOutput:
    del params
    task_losses = supervised_losses(
      tasks,
      view(inputs.predictions, 0),
      view(inputs.labels, 0),
      label_weighting=label_weighting,
    )
    return MethodOutput(task_losses, {}, state)

  return Method((ViewSpec(None),), no_variables, losses, no_pictures)


def supervised_losses(
  tasks: tuple[Task, ...],
  predictions: Predictions,
  labels: Labels,
  *,
  label_weighting: LabelWeighting,
) -> dict[str, Weighted]:
  """Return each task's supervised loss, weighted in every image.

  Args:
    tasks: the tasks.
    predictions: for each task f32[B, H, W, C].
    labels: for each task its label, [B, ...].
    label_weighting: see `supervised`. A label without a valid pixel counts as
      absent.

  Returns:
    For each task Weighted(weight * loss, weight), both f32[B]; 0 where the
    image has no valid pixel of the task.

  Raises:
    AssertionError: the arrays are not those of one batch of images.
  """
  pixels = [label.valid for label in labels.values()]
  chex.assert_rank(pixels, 3)
  chex.assert_equal_shape_prefix(pixels, 1)
  maps = [labels[task.name].valid for task in tasks if not task.grid]
  if maps:
    chex.assert_equal_shape(maps)
  losses = {
    task.name: task.loss(predictions[task.name], labels[task.name])
    for task in tasks
  }
  counted = jnp.stack([loss.weight > 0 for loss in losses.values()])
  weight = label_weight(counted, label_weighting)
  return {
    name: _weighted(loss, jnp.where(here, weight, 0))
    for (name, loss), here in zip(losses.items(), counted, strict=True)
  }


def label_weight(
  counted: jax.Array, label_weighting: LabelWeighting
) -> jax.Array:
  """Return the weight f32[B] of each label of an image, see `supervised`.

  Args:
    counted: bool[K, B], the image has a label with a valid pixel.
    label_weighting: see `supervised`.
  """
  chex.assert_rank(counted, 2)
  count = jnp.sum(counted, axis=0, dtype=jnp.float32)
  one = jnp.ones_like(count)
  return numerics.safe_divide(one, count) if label_weighting == "image" else one


def view(tree: Tree, index: int) -> Tree:
  """Return one view of predictions or labels with a leading axis of views."""
  return jax.tree.map(lambda x: x[index], tree)


def _weighted(loss: Weighted, weight: jax.Array) -> Weighted:
  return Weighted(weight * loss.per_image(), weight)
