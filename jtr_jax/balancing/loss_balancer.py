"""Loss balancers: K losses -> one objective."""

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Scope, TaskLoss, Tree
from jtr_jax.core import errors


class Need(enum.Flag):
  """Quantities that a loss balancer observes in addition to the K losses.

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


class Observation(NamedTuple):
  """Quantities that a loss balancer observes after the backward pass of a step.

  Those that it does not need are None.

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


_OBSERVED = {
  Need.SHARED_GRADS: ("norms", "cosines"),
  Need.POST_UPDATE_LOSSES: ("later_losses",),
  Need.EXTRA_BATCH: ("influence",),
}


class Weighed(NamedTuple):
  """The objective of K losses, and its derivatives.

  Attributes:
    objective: f32[], the scalar to differentiate instead of the losses.
    weights: f32[K], its derivatives with respect to the losses, 0 where absent.
    gradients: like the balancer's params, its gradient with respect to these.
  """

  objective: jax.Array
  weights: jax.Array
  gradients: Tree


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
    samples: whether the weights are random, so that `weigh` needs a key.

  Example:
    >>> balancer = balancing.uw(3)
    >>> params, state = balancer.init()
    >>> objective, weights, gradients = balancer.weigh(params, state, losses)
    >>> state = balancer.update(state, losses, step=step)
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
  samples: bool = False

  def weigh(
    self,
    params: Tree,
    state: Tree,
    losses: jax.Array,
    *,
    present: jax.Array | None = None,
    key: jax.Array | None = None,
  ) -> Weighed:
    """Return the objective of K losses, their weights and what trains `params`.

    Args:
      params: the balancer's parameters.
      state: its state.
      losses: f32[K]; those of absent tasks may hold anything.
      present: bool[K]; None: all tasks.
      key: for balancers that sample, a new one in every step.

    Raises:
      ValueError: the balancer samples, and there is no key.
    """
    if key is None:
      if self.samples:
        raise ValueError(
          errors.message(
            f"{self.name!r} samples its weights",
            found="no key",
            expected="key=jax.random.fold_in(key, step)",
            do="Pass a new key in every step, equal on all devices.",
          )
        )
      key = jax.random.key(0)
    if present is None:
      present = jnp.ones(losses.shape, bool)
    losses = jnp.where(present, losses, 0)
    value, (weights, gradients) = jax.value_and_grad(
      lambda losses, params: self.objective(
        params, state, losses, present, key
      ),
      argnums=(0, 1),
    )(losses, params)
    return Weighed(value, jnp.where(present, weights, 0), gradients)

  def update(
    self,
    state: Tree,
    losses: jax.Array,
    *,
    step: jax.Array | int,
    present: jax.Array | None = None,
    **observed: jax.Array,
  ) -> Tree:
    """Return the state after a step.

    Args:
      state: before it.
      losses: f32[K], of the step, before the update of the network.
      step: number of updates before it.
      present: bool[K]; None: all tasks.
      **observed: what `needs` asks for, see `Observation`: `norms` and
        `cosines`, `later_losses`, or `influence`.

    Raises:
      ValueError: something is missing that the balancer needs.
    """
    missing = [
      name
      for need, names in _OBSERVED.items()
      if need in self.needs
      for name in names
      if name not in observed
    ]
    if missing:
      raise ValueError(
        errors.message(
          f"{self.name!r} needs more than the losses",
          found=", ".join(sorted(observed)) or "the losses alone",
          expected=", ".join(missing),
          do="See help(jtr_jax.balancing.loss_balancer.Observation).",
        )
      )
    if present is None:
      present = jnp.ones(losses.shape, bool)
    seen = Observation(
      jnp.where(present, losses, 0), present, jnp.asarray(step), **observed
    )
    return self.observe(state, seen)

  @property
  def default_task_loss(self) -> TaskLoss:
    """The loss of a task that the weights are meant for.

    Learned variances, speeds and accuracies are about single images, so weights
    apply to means over labelled images; a plain sum keeps the method's own.
    """
    return "term" if self.is_plain_sum else "mean"
