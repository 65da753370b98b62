"""The two kinds of balancers and what they are told.

A loss balancer combines K losses into one objective; a gradient balancer
aggregates K gradients into one. Both can be used together: the gradients may be
those of weighted losses. K counts all tasks of a run, whatever labels a batch
has; the mask `present` says which tasks have labels in the batch. An absent
task changes neither the result nor what is learned about the others.
"""

import enum
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

Tree: TypeAlias = Any
"""A nested structure of arrays."""

Scope: TypeAlias = Literal["shared_params", "features", "last_shared_layer"]
"""What the K gradients are taken with respect to: all shared parameters, the
shared features z, or the parameters of the last shared layer. In the last case
they only determine weights; the weighted sum of the gradients at z is then
backpropagated through the encoder."""

TaskLoss: TypeAlias = Literal["share", "mean"]
"""What the loss of a task is: its part of the method's objective, a mean over
all images of the batch, or the mean over the images that have its label."""


class Need(enum.Flag):
  """What a loss balancer observes in addition to the K losses.

  Attributes:
    LOSSES: nothing else.
    SHARED_GRADS: norms and cosines of the K gradients of its `scopes`.
    POST_UPDATE_LOSSES: the losses of the same batch after the update.
    EXTRA_BATCH: a second, independently drawn batch.
    VALIDATION_METRICS: an accuracy of each task, after evaluations.
  """

  LOSSES = 0
  SHARED_GRADS = enum.auto()
  POST_UPDATE_LOSSES = enum.auto()
  EXTRA_BATCH = enum.auto()
  VALIDATION_METRICS = enum.auto()


class GradientContext(NamedTuple):
  """What a gradient balancer knows of a batch in addition to its gradients.

  Attributes:
    present: bool[K], the batch has a label for the task.
    losses: f32[K], 0 where absent; None if the caller passed none.
    key: for rules that sample; new in every step, equal on all devices.
    sigma: f32[K], the tasks' uncertainties; None if the caller passed none.
  """

  present: jax.Array
  losses: Any
  key: jax.Array
  sigma: Any = None


class GradientState(NamedTuple):
  """The state of a gradient balancer.

  Attributes:
    step: i32[], number of updates.
    rule: state of the rule.
    weights: f32[K], by what the rule multiplied the gradients in the last
      update, 0 where absent; NaN for a rule that is not a weighted sum.
  """

  step: jax.Array
  rule: Tree
  weights: jax.Array


class GradientBalancer(optax.GradientTransformationExtraArgs):
  """An optax transformation that aggregates K gradients into one.

  `update(gradients, state, params=None, **extra)` takes gradients whose leaves
  have a leading axis K and returns a direction without that axis, so a balancer
  is the first element of an `optax.chain`. `init(params)` takes the parameters
  without that axis. The state is a `GradientState`.

  Extra arguments of `update`, all optional unless a trait says otherwise:
  `present` bool[K] (default: all), `losses` f32[K], `key` (default: derived
  from the number of updates) and `sigma` f32[K]. Arguments of other
  transformations of a chain (such as `value`, `grad` or `value_fn`) are
  ignored; a name that is a misspelling of one of the four is an error.

  Attributes:
    init: params -> state.
    update: see above.
    name: in configs and logs.
    scopes: what the gradients may be taken with respect to; the default of its
      paper comes first.
    weighs_decoders: whether the gradients of the decoders are multiplied by the
      weights too; otherwise only shared parameters are affected.
    unweighted: whether it takes the gradients of the losses themselves, even if
      a loss balancer weights the losses of the decoders.
    needs_losses: whether `losses` has to be passed.
    needs_sigma: whether `sigma` has to be passed.

  Example:
    >>> optimizer = optax.chain(balancing.pcgrad(2), optax.adam(1e-3))
    >>> state = optimizer.init(params)
    >>> jacobian = jax.jacrev(losses_fn)(params)  # leaves [2, ...]
    >>> updates, state = optimizer.update(jacobian, state, params)
  """

  name: str
  scopes: tuple[Scope, ...]
  weighs_decoders: bool
  unweighted: bool
  needs_losses: bool
  needs_sigma: bool

  def __new__(
    cls,
    init: Callable[[Tree], GradientState],
    update: Callable[..., tuple[Tree, GradientState]],
    *,
    name: str,
    scopes: tuple[Scope, ...],
    weighs_decoders: bool = False,
    unweighted: bool = False,
    needs_losses: bool = False,
    needs_sigma: bool = False,
  ) -> "GradientBalancer":
    """Return the balancer with its traits."""
    self: GradientBalancer = super().__new__(cls, init, update)
    self.name = name
    self.scopes = scopes
    self.weighs_decoders = weighs_decoders
    self.unweighted = unweighted
    self.needs_losses = needs_losses
    self.needs_sigma = needs_sigma
    return self

  def _replace(self, **changes: Any) -> "GradientBalancer":
    """Return a copy with other functions or traits."""
    parts = {"init": self.init, "update": self.update, **vars(self), **changes}
    return GradientBalancer(**parts)


class Observation(NamedTuple):
  """What a loss balancer observes of a step, after the backward pass.

  What it did not ask for is None.

  Attributes:
    losses: f32[K], 0 where absent.
    present: bool[K].
    step: i32[], number of updates before this one.
    norms: f32[K], norms of the gradients of the unweighted losses, for
      SHARED_GRADS.
    cosines: f32[K, K], of the same gradients.
    later_losses: f32[K] after the update, for POST_UPDATE_LOSSES.
    influence: f32[K], by how much the loss on an extra batch would decrease per
      unit of each weight, for EXTRA_BATCH.
  """

  losses: jax.Array
  present: jax.Array
  step: jax.Array
  norms: Any = None
  cosines: Any = None
  later_losses: Any = None
  influence: Any = None


class LossBalancer(NamedTuple):
  """K losses -> one objective.

  The weight of task k is the derivative of the objective with respect to its
  loss: the factor of its gradient. The gradient with respect to `params` trains
  the balancer together with the network.

  Attributes:
    name: in configs and logs.
    init: () -> (params, state); params are trained by the optimiser, without
      weight decay.
    objective: (params, state, losses f32[K], present bool[K], key) -> f32[].
    observe: (state, Observation) -> state, once a step.
    update_from_accuracies: (state, accuracies f32[K]) -> state, after an
      evaluation; NaN where an accuracy was not measured.
    needs: what it observes.
    sigma: params -> f32[K], the tasks' uncertainties; None if it has none.
    scopes: for SHARED_GRADS what the gradients are taken with respect to, the
      default of its paper first.
    shared_weights: state -> f32[K], the factors of the gradients of shared
      parameters where they differ from those of the decoders; None if equal.
    is_plain_sum: whether the objective is the sum of the losses, so that all
      weights are always 1.
  """

  name: str
  init: Callable[[], tuple[Tree, Tree]]
  objective: Callable[..., jax.Array]
  observe: Callable[[Tree, Observation], Tree] = lambda state, seen: state
  update_from_accuracies: Callable[[Tree, jax.Array], Tree] = (
    lambda state, accuracies: state
  )
  needs: Need = Need.LOSSES
  sigma: Callable[[Tree], jax.Array] | None = None
  scopes: tuple[Scope, ...] = ()
  shared_weights: Callable[[Tree], jax.Array] | None = None
  is_plain_sum: bool = False

  @property
  def default_task_loss(self) -> TaskLoss:
    """The loss of a task that the weights are meant for.

    Learned variances, speeds and accuracies are about single images, so weights
    apply to means over labelled images; a plain sum keeps the method's own.
    """
    return "share" if self.is_plain_sum else "mean"


def strong(tree: Tree) -> Tree:
  """Return the arrays with strong types.

  A state whose types change with the first update would be compiled twice.
  """
  return jax.tree.map(lambda x: x.astype(x.dtype), tree)


def weights_of(
  balancer: LossBalancer,
  params: Tree,
  state: Tree,
  losses: jax.Array,
  present: jax.Array,
  key: jax.Array,
) -> tuple[jax.Array, jax.Array, Tree]:
  """Return the objective, the tasks' weights and the gradient in `params`.

  Args:
    balancer: a loss balancer.
    params: its parameters.
    state: its state.
    losses: f32[K].
    present: bool[K].
    key: for balancers that sample.

  Returns:
    (f32[], f32[K], gradients like `params`).
  """
  losses = jnp.where(present, losses, 0)
  value, (weights, gradients) = jax.value_and_grad(
    lambda losses, params: balancer.objective(
      params, state, losses, present, key
    ),
    argnums=(0, 1),
  )(losses, params)
  return value, jnp.where(present, weights, 0), gradients
