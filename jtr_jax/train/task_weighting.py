"""From the K losses of a training step to weights, and what to log of them.

Plain weighting is one backward pass (`gradients`). Where gradients of single
tasks are needed the pass is cut at the shared features (`per_task_gradients`).

A method's regularisers, such as JTR's distance, are not tasks: their gradient
is added unchanged, after the balancing.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Scope, TaskLoss
from jtr_jax.balancing.gradient_balancer import GradientBalancer, GradientState
from jtr_jax.balancing.loss.uniform import uniform
from jtr_jax.balancing.loss_balancer import LossBalancer, Need
from jtr_jax.core import errors
from jtr_jax.core.types import Weighted
from jtr_jax.methods.base import MethodOutput, Tree

BALANCER = "balancer"
"""Key of the loss balancer's parameters, and of their optimiser's group."""


class LookAhead(NamedTuple):
  """How an extra batch is looked at, for a balancer that needs one.

  Attributes:
    rate: step -> learning rate of the network, for a virtual step.
    momentum: of the optimiser, if it is gradient descent with momentum.
    weight_decay: of the optimiser.
    primary: indices of the tasks whose losses count on the extra batch.
  """

  rate: Callable[[jax.Array], jax.Array]
  primary: tuple[int, ...]
  momentum: float = 0.9
  weight_decay: float = 0.0


@dataclasses.dataclass(frozen=True)
class Balancing:
  """How losses and gradients are balanced in a run.

  Attributes:
    loss: combines the losses into one objective.
    gradient: aggregates the tasks' gradients; None for their sum.
    scope: what the gradient balancer acts on.
    task_loss: what the loss of a task is.
    at_once: how many gradients go back through the encoder together: 1 one
      after the other, 0 all of them.
    look_ahead: for a balancer that needs an extra batch.
  """

  loss: LossBalancer
  gradient: GradientBalancer | None = None
  scope: Scope = "shared_params"
  task_loss: TaskLoss = "term"
  at_once: int = 1
  look_ahead: LookAhead | None = None

  def __post_init__(self) -> None:
    """Check that the gradient balancer can act there."""
    if self.gradient and self.scope not in self.gradient.scopes:
      raise ValueError(
        errors.message(
          f"{self.gradient.name!r} cannot act there",
          found=f"balancing.scope={self.scope!r}",
          expected="one of " + ", ".join(self.gradient.scopes),
          do="Change balancing.scope, or leave it at 'default'.",
        )
      )

  @property
  def learns(self) -> bool:
    """Whether the loss balancer has parameters."""
    return bool(jax.tree.leaves(self.loss.init()[0]))

  @property
  def needs_task_gradients(self) -> bool:
    """Whether a step computes gradients of single tasks."""
    return (
      self.gradient is not None
      or self.observes_gradients
      or self.loss.shared_weights is not None
    )

  @property
  def looks_ahead(self) -> bool:
    """Whether the loss balancer needs a virtual step before each step."""
    return Need.EXTRA_BATCH in self.loss.needs

  @property
  def samples_twice(self) -> bool:
    """Whether the gradient balancer needs gradients of a second batch."""
    return self.gradient is not None and self.gradient.needs_second

  @property
  def learns_from_influence(self) -> bool:
    """Whether the gradient balancer learns from losses of a second batch."""
    return self.gradient is not None and self.gradient.influence is not None

  @property
  def needs_extra_batch(self) -> bool:
    """Whether a step needs a second, independently drawn batch."""
    return self.looks_ahead or self.samples_twice or self.learns_from_influence

  @property
  def observes_gradients(self) -> bool:
    """Whether the loss balancer observes norms and cosines of gradients."""
    return Need.SHARED_GRADS in self.loss.needs

  @property
  def logs(self) -> bool:
    """Whether there are weights to log."""
    return self.gradient is not None or not self.loss.is_plain_sum


PLAIN = Balancing(uniform(0))
"""The method's own objective, without balancing."""


class BalancingState(NamedTuple):
  """State of the balancers.

  Attributes:
    loss: state of the loss balancer.
    gradient: state of the gradient balancer, () without one.
  """

  loss: Tree
  gradient: GradientState | tuple[()]


class Losses(NamedTuple):
  """The tasks' losses of a batch, their weights and the objective.

  Attributes:
    values: f32[K], 0 where absent.
    present: bool[K].
    objective: f32[].
    weights: f32[K], the gradient of the objective in the losses.
    shared_weights: f32[K], what takes their place for shared parameters; the
      same for most loss balancers.
    gradients: of the objective in the loss balancer's parameters.
  """

  values: jax.Array
  present: jax.Array
  objective: jax.Array
  weights: jax.Array
  shared_weights: jax.Array
  gradients: Tree


def init_balancing(
  balancing: Balancing, params: Tree, path: tuple[str, ...]
) -> tuple[Tree, BalancingState]:
  """Return the balancers' parameters and state.

  Args:
    balancing: the balancers.
    params: of the network.
    path: of the last shared layer in the encoder's parameters.
  """
  own, state = balancing.loss.init()
  if balancing.gradient is None:
    return own, BalancingState(state, ())
  shared = params["encoder"]
  if balancing.scope == "last_shared_layer":
    shared = layer(shared, path)
  return own, BalancingState(state, balancing.gradient.init(shared))


def task_losses(
  output: MethodOutput, names: tuple[str, ...], task_loss: TaskLoss
) -> tuple[jax.Array, jax.Array]:
  """Return the tasks' losses f32[K] and which are present, bool[K]."""
  losses = [output.task_losses[name] for name in names]
  present = jnp.stack([jnp.sum(loss.weight) > 0 for loss in losses])
  means = {"term": lambda x: jnp.mean(x.sum), "mean": Weighted.mean}
  return jnp.stack([means[task_loss](loss) for loss in losses]), present


def regularizer(output: MethodOutput) -> jax.Array:
  """Return f32[], what the method adds to the tasks' losses."""
  terms = [jnp.mean(term) for term in output.regularizers.values()]
  return jnp.sum(jnp.stack(terms)) if terms else jnp.zeros(())


def weigh(
  balancing: Balancing,
  params: Tree,
  state: BalancingState,
  values: jax.Array,
  present: jax.Array,
  key: jax.Array,
) -> Losses:
  """Return losses with their weights and the objective."""
  values = jnp.where(present, values, 0)
  objective, weights, gradients = balancing.loss.weigh(
    params, state.loss, values, present=present, key=key
  )
  shared_weights = weights
  if balancing.loss.shared_weights is not None:
    own = balancing.loss.shared_weights(state.loss)
    shared_weights = jnp.where(present, own, 0)
  return Losses(values, present, objective, weights, shared_weights, gradients)


def sigma(balancing: Balancing, params: Tree) -> jax.Array | None:
  """Return the tasks' uncertainties f32[K], None if they are not learned."""
  if balancing.loss.sigma is None:
    return None
  return balancing.loss.sigma(params)


def layer(params: Tree, path: tuple[str, ...]) -> Tree:
  """Return the parameters of one layer."""
  for name in path:
    params = params[name]
  return params


def with_layer(params: Tree, path: tuple[str, ...], new: Tree) -> Tree:
  """Return the parameters with those of one layer replaced."""
  if not path:
    return new
  return {**params, path[0]: with_layer(params[path[0]], path[1:], new)}


def statistics(
  balancing: Balancing,
  names: tuple[str, ...],
  params: Tree,
  state: BalancingState,
  losses: Losses,
) -> dict[str, Weighted]:
  """Return "weight/<task>" and other values to log, over steps with the task.

  Args:
    balancing: the balancers.
    names: of the tasks.
    params: of the loss balancer.
    state: after the step.
    losses: of the step.
  """
  if not balancing.logs:
    return {}
  rows = {"weight": losses.weights}
  if balancing.loss.shared_weights is not None:
    rows["shared_weight"] = losses.shared_weights
  uncertainties = sigma(balancing, params)
  if uncertainties is not None:
    rows["sigma"] = uncertainties
  if isinstance(state.gradient, GradientState):
    rows["gradient_weight"] = state.gradient.weights
    rows |= getattr(state.gradient.rule, "statistics", {})
  return {
    f"{row}/{name}": _over_steps(values[k], losses.present[k])
    for row, values in rows.items()
    for k, name in enumerate(names)
  }


def _over_steps(value: jax.Array, present: jax.Array) -> Weighted:
  """Return what a step adds to a mean over the steps with such a number."""
  counts = present & jnp.isfinite(value)
  return Weighted(jnp.where(counts, value, 0), counts.astype(jnp.float32))
