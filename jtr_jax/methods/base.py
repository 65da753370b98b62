"""A method: pure functions from predictions, features and labels to losses."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax

from jtr_jax.core.types import Labels, Predictions, ViewSpec, Weighted
from jtr_jax.models.base import Features

Tree: TypeAlias = Any
"""A nested dictionary of arrays."""


MAIN = "main"
"""The optimiser's group of the network's parameters."""


class MethodInput(NamedTuple):
  """What a method sees of one batch.

  Attributes:
    predictions: for each task f32[V, B, H, W, C].
    features: of the shared trunk, with leading axes V and B.
    labels: with leading axes V and B.
    step: i32[], how many updates were made before this one.
    key: for what the method draws in this step.
  """

  predictions: Predictions
  features: Features
  labels: Labels
  step: jax.Array
  key: jax.Array


class MethodOutput(NamedTuple):
  """What a method makes of one batch.

  Attributes:
    task_losses: for each task, per image: `weight` is what its label counts in
      the objective (0 without one), `sum` is that times the loss. The objective
      takes the mean of `sum` over the images.
    regularizers: further terms of the objective, f32[B] each, already weighted;
      the objective takes their mean over the images.
    state: the method's own new state.
  """

  task_losses: dict[str, Weighted]
  regularizers: dict[str, jax.Array]
  state: Tree


class JointViews(NamedTuple):
  """The joint tensors of one view and their reconstructions, for pictures.

  Attributes:
    prediction: f32[B, H, W, J].
    prediction_reconstruction: f32[B, H, W, J].
    target: f32[B, H, W, J].
    target_reconstruction: f32[B, H, W, J].
  """

  prediction: jax.Array
  prediction_reconstruction: jax.Array
  target: jax.Array
  target_reconstruction: jax.Array


def one_group(params: Tree) -> Tree:
  """Return the groups of a method that leaves everything to the main one."""
  return jax.tree.map(lambda _: MAIN, params)


class Method(NamedTuple):
  """A method, as a bundle of pure functions.

  Attributes:
    views: what views the method wants; the supervised one is the first.
    init: (key, (H, W)) -> (params, state) of the method's own networks.
    losses: (params, state, inputs) -> MethodOutput.
    reconstructions: (params, state, inputs) -> JointViews of view 0, or an
      empty dictionary for methods without an auto-encoder.
    groups: params -> for each of them the name of its optimiser's group: `MAIN`
      for the one that also has the network's parameters, or a name for which
      the method's builder says what fields `optimizer` has for it.
  """

  views: tuple[ViewSpec, ...]
  init: Callable[[jax.Array, tuple[int, int]], tuple[Tree, Tree]]
  losses: Callable[[Tree, Tree, MethodInput], MethodOutput]
  reconstructions: Callable[
    [Tree, Tree, MethodInput], JointViews | dict[str, jax.Array]
  ]
  groups: Callable[[Tree], Tree] = one_group


def no_variables(key: jax.Array, size: tuple[int, int]) -> tuple[Tree, Tree]:
  """Return the variables of a method without networks of its own: none."""
  del key, size
  return {}, {}


def no_reconstructions(*_: Any) -> dict[str, jax.Array]:
  """Return nothing, for methods without an auto-encoder."""
  return {}
