"""Pictures of what a network predicts for the first images of a split."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import rng
from jtr_jax.core.types import Label
from jtr_jax.data.loading.examples import Examples, to_images, to_labels
from jtr_jax.methods.base import JointViews, Method, MethodInput
from jtr_jax.methods.jtr.joint_tensor import split_channels
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.state import TrainState
from jtr_jax.workdir.picture_sheets import (
  Reconstructions,
  prediction_sheet,
  reconstruction_sheet,
)

Draw: TypeAlias = Callable[[TrainState], None]


def make_draw(
  net: MultiTaskNet, method: Method, examples: Examples, folder: Path
) -> Draw:
  """Return the function that draws the pictures of a state into a folder.

  Writes `predictions.png` and, for methods with an auto-encoder,
  `reconstructions.png`; each time over the ones before.

  Args:
    net: the network.
    method: the method; JTR's joint tensors are drawn too.
    examples: the images and labels to show.
    folder: where to write.
  """

  @jax.jit
  def look(state: TrainState) -> tuple[dict[str, jax.Array], Any]:
    output, _ = net(
      state.params, state.model_state, to_images(examples), train=False
    )
    seen, labels = jax.tree.map(
      lambda x: x[None], (output, to_labels(examples))
    )
    key = rng.stream(0, "snapshot")
    joint = method.reconstructions(
      state.params["method"],
      state.model_state["method"],
      MethodInput(seen.predictions, seen.features, labels, state.step, key),
    )
    return output.predictions, joint

  def draw(state: TrainState) -> None:
    predictions, joint = jax.device_get(look(state))
    labels: dict[str, Label] = jax.device_get(to_labels(examples))
    images = np.asarray(examples.image)
    folder.mkdir(parents=True, exist_ok=True)
    sheet = prediction_sheet(images, net.tasks, predictions, labels)
    sheet.save(folder / "predictions.png")
    if isinstance(joint, JointViews):
      sheet = reconstruction_sheet(images, net.tasks, _by_task(net, joint))
      sheet.save(folder / "reconstructions.png")

  return draw


def _by_task(net: MultiTaskNet, joint: JointViews) -> Reconstructions:
  return Reconstructions(
    *(
      jax.device_get(split_channels(net.tasks, jnp.asarray(tensor)))
      for tensor in joint
    )
  )
