"""Pictures of a state: its predictions, and what its method draws."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import jax
import numpy as np

from jtr_jax.core import hosts, rng
from jtr_jax.core.types import Label, Predictions
from jtr_jax.data.loading.examples import Examples, to_images, to_labels
from jtr_jax.methods.base import Method, MethodInput, Pictures
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.state import TrainState
from jtr_jax.workdir import sheet_files
from jtr_jax.workdir.picture_sheets import encoding_sheet, prediction_sheet

FOLDER = "pictures"
"""Where a workdir has its pictures."""

Draw: TypeAlias = Callable[[TrainState], None]
"""Draws the pictures of a state."""


def make_draw(
  net: MultiTaskNet,
  method: Method,
  folder: Path,
  *,
  evaluated: Examples,
  trained: Examples,
) -> Draw:
  """Return the function that draws the pictures of a state into a folder.

  It writes `predictions.png`, and a picture for each of `Method.pictures`;
  each time over the ones before.

  Args:
    net: the network.
    method: the method.
    folder: where to write.
    evaluated: the images and labels whose predictions are drawn.
    trained: the images of the method's pictures, with the labels that it sees.
  """

  @jax.jit
  def predict(state: TrainState) -> Predictions:
    output, _ = net(*state.to_evaluate, to_images(evaluated), train=False)
    return output.predictions

  @jax.jit
  def depict(state: TrainState) -> Pictures:
    output, _ = net(*state.to_evaluate, to_images(trained), train=False)
    seen, labels = jax.tree.map(lambda x: x[None], (output, to_labels(trained)))
    key = rng.stream(0, "snapshot")
    return method.pictures(
      state.params["method"],
      state.model_state["method"],
      MethodInput(seen.predictions, seen.features, labels, state.step, key),
    )

  def draw(state: TrainState) -> None:
    state = _here(state)
    predictions, pictures = jax.device_get((predict(state), depict(state)))
    labels: dict[str, Label] = jax.device_get(to_labels(evaluated))
    folder.mkdir(parents=True, exist_ok=True)
    images = np.asarray(evaluated.image)
    sheet = prediction_sheet(images, net.tasks, predictions, labels)
    sheet_files.save(sheet, folder / "predictions.png")
    images = np.asarray(trained.image)
    for name, columns in pictures.items():
      named = [(column.caption, column.codes) for column in columns]
      sheet = encoding_sheet(images, net.tasks, named)
      sheet_files.save(sheet, folder / f"{name}.png")

  return draw


def _here(state: TrainState) -> TrainState:
  """Return what is drawn from, without the devices of other processes."""
  state = dataclasses.replace(state, opt_state=())
  if hosts.is_alone():
    return state
  return jax.tree.map(lambda x: x.addressable_data(0), state)
