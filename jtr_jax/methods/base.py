"""A method: pure functions from predictions, features and labels to losses."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax

from jtr_jax.core.types import Labels, Predictions, ViewSpec, Weighted
from jtr_jax.models.segnet import Features

Tree: TypeAlias = Any
"""A nested dictionary of arrays."""


MAIN = "main"
"""The optimiser group of the network's parameters."""


class MethodInput(NamedTuple):
  """The inputs of a method for one batch.

  Attributes:
    predictions: for each task f32[V, B, H, W, C].
    features: of the shared encoder, with leading axes V and B.
    labels: with leading axes V and B.
    step: i32[], number of updates before this one.
    key: of the random draws of this step.
  """

  predictions: Predictions
  features: Features
  labels: Labels
  step: jax.Array
  key: jax.Array


class MethodOutput(NamedTuple):
  """The losses of one batch.

  Attributes:
    task_losses: for each task, per image: `weight` is the weight of its label
      in the objective (0 without one), `sum` is that times the loss. The
      objective is the mean of `sum` over the images, summed over the tasks.
    regularizers: further terms of the objective, f32[B] each, already weighted;
      their means over the images are added.
    state: the method's own new state.
  """

  task_losses: dict[str, Weighted]
  regularizers: dict[str, jax.Array]
  state: Tree


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PictureColumn:
  """A column of a picture: one joint encoding for each task.

  Attributes:
    codes: for each task f32[B, H, W, J], drawn by `Task.picture_joint`.
    caption: written above it.
  """

  codes: Predictions
  caption: str = dataclasses.field(metadata={"static": True})


Pictures: TypeAlias = dict[str, tuple[PictureColumn, ...]]
"""Name of a picture -> its columns."""


class Diagnosis(NamedTuple):
  """What a method tells of one batch, see `Method.diagnose`.

  Attributes:
    numbers: name -> f32[].
    regularizer: f32[], the weighted term that trains the network beside the
      tasks' losses.
    tasks: f32[], those losses.
  """

  numbers: dict[str, jax.Array]
  regularizer: jax.Array
  tasks: jax.Array


def one_group(params: Tree) -> Tree:
  """Return the optimiser groups of a method that has none of its own."""
  return jax.tree.map(lambda _: MAIN, params)


class Method(NamedTuple):
  """A method, as a bundle of pure functions.

  Attributes:
    views: the views that the method needs; the supervised one is the first.
    init: (key, (H, W)) -> (params, state) of the method's own networks.
    losses: (params, state, inputs) -> MethodOutput.
    pictures: (params, state, inputs) -> Pictures of view 0; {} for methods
      without any.
    groups: params -> for each of them the name of its optimiser group: `MAIN`
      for that of the network's parameters, or a name for which the method's
      builder says what fields `optimizer` has for it.
    diagnose: (params, state, inputs) -> Diagnosis, for one view of images that
      are not augmented; None for methods that have nothing to tell.
  """

  views: tuple[ViewSpec, ...]
  init: Callable[[jax.Array, tuple[int, int]], tuple[Tree, Tree]]
  losses: Callable[[Tree, Tree, MethodInput], MethodOutput]
  pictures: Callable[[Tree, Tree, MethodInput], Pictures]
  groups: Callable[[Tree], Tree] = one_group
  diagnose: Callable[[Tree, Tree, MethodInput], Diagnosis] | None = None


def no_variables(key: jax.Array, size: tuple[int, int]) -> tuple[Tree, Tree]:
  """Return no parameters and no state, for methods without own networks."""
  del key, size
  return {}, {}


def no_pictures(*_: Any) -> Pictures:
  """Return no pictures."""
  return {}
