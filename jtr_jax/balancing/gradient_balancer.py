"""Gradient balancers: K gradients -> one direction."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing.base import AxisName, Scope, Tree
from jtr_jax.core import errors


class GradientContext(NamedTuple):
  """Inputs of a gradient balancer in addition to the gradients of a batch.

  Attributes:
    present: bool[K], the batch has a label for the task.
    losses: f32[K], 0 where absent; None if the caller passed none.
    key: for rules that sample; new in every step, equal on all devices.
    sigma: f32[K], the tasks' uncertainties; None if the caller passed none.
    axis_name: mapped axis over which the gradients are sharded; None if they
      are whole.
    second: leaves f32[K, ...], the gradients of a second batch, 0 where it has
      no label; None if the caller passed none.
    second_present: bool[K], the second batch has a label for the task.
    influence: f32[K], by how much a held-out loss falls per unit of each
      weight; None if the caller passed none.
  """

  present: jax.Array
  losses: Any
  key: jax.Array
  sigma: Any = None
  axis_name: AxisName = None
  second: Tree = None
  second_present: Any = None
  influence: Any = None


class Influence(NamedTuple):
  """How a balancer wants the influence of its weights to be measured.

  The influence of weight k on a held-out loss L' is <v, grad L_k>, with
  v = sum_(i <= terms) (I - rate H)^i grad L' and H the Hessian of the weighted
  losses: the inverse of the Hessian, truncated, times 1 / rate.

  Attributes:
    every: updates from one measurement to the next; in other updates, and in
      the first one, the influence is not used.
    terms: of the series, after the first.
    rate: of the series.
  """

  every: int
  terms: int
  rate: float


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
  from the number of updates), `sigma` f32[K], and `axis_name`: inside
  `jax.shard_map`, the axis over which the gradients' entries are sharded, so
  that norms and products are summed over devices. Gradients of a sharded batch
  are something else: average them over devices first, and leave it out. For a
  balancer that samples twice also `second`, the K gradients of another batch
  (leaves as those of the first), with `second_present` bool[K] (default: all);
  for one that learns from held-out losses also `influence` f32[K].
  Arguments of other transformations of a chain (such as `value`, `grad` or
  `value_fn`) are ignored; a misspelling of one of these is an error.

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
    needs_second: whether `second` has to be passed.
    influence: how `influence` is to be measured; None if it is not needed.
    initial_sigma: for a balancer that needs sigma, where learned ones start.
    of_decoders: state of the rule -> f32[K], the factors of the decoders'
      gradients where they are not those of the shared ones; None if they are.
    weigh_gram: (gram, state, **extra) -> (weights, state), see `weigh`; None
      for a rule that needs whole gradients.

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
  needs_second: bool
  influence: Influence | None
  initial_sigma: float
  of_decoders: Callable[[Tree], jax.Array] | None
  weigh_gram: Callable[..., tuple[jax.Array, GradientState]] | None

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
    needs_second: bool = False,
    influence: Influence | None = None,
    initial_sigma: float = 1.0,
    of_decoders: Callable[[Tree], jax.Array] | None = None,
    weigh_gram: Callable[..., tuple[jax.Array, GradientState]] | None = None,
  ) -> "GradientBalancer":
    """Return the balancer with its traits."""
    self: GradientBalancer = super().__new__(cls, init, update)
    self.name = name
    self.scopes = scopes
    self.weighs_decoders = weighs_decoders
    self.unweighted = unweighted
    self.needs_losses = needs_losses
    self.needs_sigma = needs_sigma
    self.needs_second = needs_second
    self.influence = influence
    self.initial_sigma = initial_sigma
    self.of_decoders = of_decoders
    self.weigh_gram = weigh_gram
    return self

  def decoder_weights(self, state: GradientState) -> jax.Array:
    """Return the factors of the K decoders' gradients, f32[K].

    Args:
      state: after the update of the shared parameters; absent tasks have 0 if
        the balancer weighs decoders, else all have 1.
    """
    if not self.weighs_decoders:
      return jnp.ones_like(state.weights)
    if self.of_decoders is None:
      return state.weights
    return jnp.where(state.weights != 0, self.of_decoders(state.rule), 0)

  def weigh(
    self, gram: Any, *, state: GradientState | None = None, **extra: Any
  ) -> tuple[jax.Array, GradientState]:
    """Return the factors of K gradients from their inner products alone.

    For gradients that are never stacked in one place: accumulated over
    micro-batches, spread over modules or adapters, or too large. The direction
    is sum_k weights_k g_k, with the weighted sum of the losses as objective.

    Args:
      gram: f32[K, K], inner products of the gradients, or a `Gram`. Those of
        parts of the parameters add up; those of micro-batches do not: add up
        their gradients first.
      state: after the previous call; None before the first one.
      **extra: as of `update`: present, losses, key, sigma, influence.

    Returns:
      Weights f32[K], 0 for absent tasks, and the new state.

    Raises:
      ValueError: the rule needs whole gradients.

    Example:
      >>> parts = [balancing.gram(rows).matrix for rows in jacobians]
      >>> weights, state = balancing.upgrad(3).weigh(sum(parts), state=state)
    """
    if self.weigh_gram is None:
      raise ValueError(
        errors.message(
          f"{self.name!r} has no weights from inner products",
          found="a rule on whole gradients",
          expected="a balancer whose direction follows from the Gram matrix",
          do="Pass the stacked gradients to `update`.",
        )
      )
    before = self.init(()) if state is None else state
    return self.weigh_gram(gram, before, **extra)

  def _replace(self, **changes: Any) -> "GradientBalancer":
    """Return a copy with other functions or traits."""
    parts = {"init": self.init, "update": self.update, **vars(self), **changes}
    return GradientBalancer(**parts)
