"""The two kinds of balancers, and what they may ask for.

A loss balancer makes one scalar of K losses; a gradient balancer makes one
gradient of K. They combine: the gradients may be those of weighted losses.
K counts all tasks of a run, whatever a batch has labels for; `present` says for
which tasks it has. A task that is absent must not matter.
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
"""What the K gradients are taken of: all shared parameters, the shared features
z, or the parameters of the last shared layer. With the last one a balancer only
says weights, and the weighted gradients at z go through the encoder."""


class Need(enum.Flag):
  """What a balancer wants besides the K losses.

  Attributes:
    LOSSES: nothing else.
    FEATURE_GRADS: K gradients at the shared features.
    SHARED_GRADS: K gradients of shared parameters.
    POST_UPDATE_LOSSES: the losses of the same batch after the update.
    EXTRA_BATCH: a second batch, drawn independently.
    VALIDATION_METRICS: an accuracy of each task, now and then.
  """

  LOSSES = 0
  FEATURE_GRADS = enum.auto()
  SHARED_GRADS = enum.auto()
  POST_UPDATE_LOSSES = enum.auto()
  EXTRA_BATCH = enum.auto()
  VALIDATION_METRICS = enum.auto()


class Given(NamedTuple):
  """What is known of a batch besides its gradients.

  Attributes:
    present: bool[K], the batch has a label for the task.
    losses: f32[K], 0 where absent.
    key: for rules that draw; a new one every step, the same on all devices.
    sigma: f32[K], the tasks' uncertainties, where a loss balancer learns them.
  """

  present: jax.Array
  losses: jax.Array
  key: jax.Array
  sigma: jax.Array | None = None


class GradientState(NamedTuple):
  """The state of a gradient balancer.

  Attributes:
    step: i32[], updates made.
    rule: what the rule remembers.
    weights: f32[K], what the rule last multiplied the gradients by, 0 where
      absent; NaN for a rule that is not a weighted sum.
  """

  step: jax.Array
  rule: Tree
  weights: jax.Array


class GradientBalancer(NamedTuple):
  """K gradients -> one.

  Attributes:
    name: in configs and logs.
    transform: its `update` takes gradients stacked on a leading axis K and
      returns one without it, so that it can stand first in an `optax.chain`.
      `init` takes the parameters, not stacked. Extra arguments of `update`, all
      of them optional: `present` bool[K], `losses` f32[K], `key` and `sigma`,
      see `Given`; others are ignored. The state is a `GradientState`.
    scopes: what it may act on, the default of its paper first.
    needs: what it wants besides gradients.
    weighs_decoders: whether the decoders' gradients are multiplied by the
      weights too; otherwise only the shared ones are balanced.
    unweighted: whether it takes gradients of the losses as they are, whatever
      the loss balancer makes of them for the decoders.
  """

  name: str
  transform: optax.GradientTransformationExtraArgs
  scopes: tuple[Scope, ...]
  needs: Need = Need.LOSSES
  weighs_decoders: bool = False
  unweighted: bool = False


class Observation(NamedTuple):
  """What a loss balancer sees of a step, after the gradients.

  What it did not ask for is None.

  Attributes:
    losses: f32[K], 0 where absent.
    present: bool[K].
    step: i32[], updates made before this one.
    norms: f32[K], norms of the gradients of the unweighted losses, for
      SHARED_GRADS.
    cosines: f32[K, K], of the same gradients.
    later_losses: f32[K] after the update, for POST_UPDATE_LOSSES.
    influence: f32[K], how the loss on an extra batch would fall with each
      weight, for EXTRA_BATCH.
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

  The gradient of the objective in the losses is the weights: what task k's
  gradient is multiplied by. That in `params` teaches them, together with the
  network.

  Attributes:
    name: in configs and logs.
    init: () -> (params, state); params are learnt by the optimiser, without
      weight decay.
    objective: (params, state, losses f32[K], present bool[K], key) -> f32[].
    observe: (state, Observation) -> state, once a step.
    judge: (state, accuracies f32[K]) -> state, after an evaluation; NaN where
      an accuracy was not measured.
    needs: what it wants.
    sigma: params -> f32[K], the tasks' uncertainties; None if it has none.
    scopes: for SHARED_GRADS what its paper takes the gradients of, first.
    shared_weights: state -> f32[K], what gradients of shared parameters are
      multiplied by, where that is not what the decoders' are; None if it is.
  """

  name: str
  init: Callable[[], tuple[Tree, Tree]]
  objective: Callable[..., jax.Array]
  observe: Callable[[Tree, Observation], Tree]
  judge: Callable[[Tree, jax.Array], Tree]
  needs: Need = Need.LOSSES
  sigma: Callable[[Tree], jax.Array] | None = None
  scopes: tuple[Scope, ...] = ()
  shared_weights: Callable[[Tree], jax.Array] | None = None


def strong(tree: Tree) -> Tree:
  """Return the arrays with types of their own, whatever they were made of.

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
    key: for balancers that draw.

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
