"""What the gradients of a step are computed from, and what comes out."""

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
  """What a step is computed from.

  Attributes:
    images: f32[V, B, H, W, 3].
    labels: with leading axes V and B.
    key: of the step.
  """

  images: jax.Array
  labels: Labels
  key: jax.Array


class StepGradients(NamedTuple):
  """What a backward pass leaves.

  Attributes:
    gradients: of all parameters.
    output: of the method.
    model_state: new statistics of the network and state of the method.
    losses: of the tasks.
    gram: lengths and angles of the tasks' gradients, for a loss balancer that
      looks at them; None otherwise.
    balancing: state with that of the gradient balancer new.
  """

  gradients: Tree
  output: MethodOutput
  model_state: Tree
  losses: Losses
  gram: Gram | None
  balancing: BalancingState


class Program(NamedTuple):
  """What the computation of gradients is made of, static.

  Attributes:
    net: the network.
    method: how losses are made.
    balancing: how they become one.
  """

  net: MultiTaskNet
  method: Method
  balancing: Balancing

  @property
  def names(self) -> tuple[str, ...]:
    """Of the tasks, in order; dictionaries lose theirs on the way."""
    return tuple(task.name for task in self.net.tasks)


def method_output(
  program: Program,
  state: TrainState,
  params: Tree,
  seen: NetOutput,
  batch: Batch,
) -> MethodOutput:
  """Return the method's losses of what the network made."""
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
  """Return what the loss balancer makes of the losses of a step."""
  return task_weighting.weigh(
    program.balancing,
    params["balancer"],
    state.balancing,
    values,
    present,
    rng.stream(batch.key, "weights"),
  )
