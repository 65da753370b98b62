"""Inputs and outputs of the computation of a step's gradients."""

from typing import NamedTuple

import jax

from jtr_jax.balancing.gramian import Gram
from jtr_jax.core import rng
from jtr_jax.core.types import Labels
from jtr_jax.methods.base import Method, MethodInput, MethodOutput
from jtr_jax.models.multitask import MultiTaskNet, NetOutput
from jtr_jax.train import task_weighting
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.task_weighting import Balancing, BalancingState, Losses


class Batch(NamedTuple):
  """The inputs of a step.

  Attributes:
    images: f32[V, B, H, W, 3].
    labels: with leading axes V and B.
    key: of the step.
  """

  images: jax.Array
  labels: Labels
  key: jax.Array


class Extra(NamedTuple):
  """A second, independently drawn batch, and what was measured with it.

  Attributes:
    batch: its views and labels.
    influence: f32[K], of the weights of a gradient balancer that learns from
      it, see `implicit_influence.measure`; None for others.
  """

  batch: Batch
  influence: jax.Array | None


class StepGradients(NamedTuple):
  """The gradients of a step, and what was computed on the way.

  Attributes:
    gradients: of all parameters.
    output: of the method.
    model_state: new statistics of the network and state of the method.
    losses: of the tasks.
    gram: norms and cosines of the tasks' gradients, for a loss balancer that
      observes them; None otherwise.
    balancing: state with that of the gradient balancer new.
  """

  gradients: Tree
  output: MethodOutput
  model_state: Tree
  losses: Losses
  gram: Gram | None
  balancing: BalancingState


class Program(NamedTuple):
  """The static parts of the computation of gradients.

  Attributes:
    net: the network.
    method: computes the tasks' losses.
    balancing: combines them.
  """

  net: MultiTaskNet
  method: Method
  balancing: Balancing

  @property
  def names(self) -> tuple[str, ...]:
    """Of the tasks, in order; dictionaries inside jit are sorted."""
    return tuple(task.name for task in self.net.tasks)


def method_output(
  program: Program,
  state: TrainState,
  params: Tree,
  seen: NetOutput,
  batch: Batch,
) -> MethodOutput:
  """Return the method's losses of the network's output."""
  return program.method.losses(
    params,
    state.model_state["method"],
    MethodInput(*seen, batch.labels, state.step, batch.key),
  )


def weigh(
  program: Program,
  state: TrainState,
  params: Tree,
  values: jax.Array,
  present: jax.Array,
  batch: Batch,
) -> Losses:
  """Return the losses of a step with their weights and the objective."""
  return task_weighting.weigh(
    program.balancing,
    params["balancer"],
    state.balancing,
    values,
    present,
    rng.stream(batch.key, "weights"),
  )
