"""CR-MOGM: a moving average of the weights of a gradient balancer."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
  GradientState,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.core import errors


class SmoothedState(NamedTuple):
  """State of CR-MOGM.

  Attributes:
    inner: state of the balancer that it smooths.
    shared: f32[K], averages of its weights, NaN before a task's first.
    decoders: f32[K], averages of its factors of the decoders' gradients.
  """

  inner: GradientState
  shared: jax.Array
  decoders: jax.Array

  @property
  def statistics(self) -> dict[str, jax.Array]:
    """For logs: those of the balancer."""
    found: dict[str, jax.Array] = getattr(self.inner.rule, "statistics", {})
    return found


def cr_mogm(
  balancer: GradientBalancer, *, ema_decay: float = 0.9
) -> GradientBalancer:
  """Return a balancer with smoothed weights: d = sum_k w_k g_k.

  w <- a w + (1 - a) w', w' being the balancer's weights for the gradients of
  this batch. Weights that depend on past batches let stochastic gradient
  manipulation converge, where those of one batch alone may not.

  Args:
    balancer: one whose weights follow from the Gram matrix, such as `mgda`,
      `pcgrad` or `cagrad` of the paper.
    ema_decay: a, weight of the old average, in [0, 1). The paper lets it rise
      to 1 as the learning rate falls; a constant one is TorchJD's.

  Raises:
    ValueError: the balancer has no such weights.

  Example:
    >>> balancer = balancing.cr_mogm(balancing.mgda(3), ema_decay=0.9)

  Source: Zhou et al., NeurIPS 2022.
  Deviations: an average starts at the first weight of its task, and stands
    still while the task is absent; weights of the present tasks are not scaled
    to their usual sum then.
  """
  if balancer.weigh_gram is None:
    raise ValueError(
      errors.message(
        f"The weights of {balancer.name!r} cannot be smoothed",
        found="a rule on whole gradients",
        expected="a balancer whose direction follows from the Gram matrix",
        do="Choose another balancer, such as 'mgda', or no smoothing.",
      )
    )
  (num_tasks,) = jax.eval_shape(balancer.init, ()).weights.shape
  rule = _Smoothed(num_tasks, balancer, ema_decay)
  made = from_gramian(
    f"cr_mogm({balancer.name})", num_tasks, rule.solve, init=rule.init
  )
  own = ("name", "weigh_gram", "of_decoders")
  traits = {n: v for n, v in vars(balancer).items() if n not in own}
  return made._replace(of_decoders=lambda state: state.decoders, **traits)


@dataclasses.dataclass(frozen=True)
class _Smoothed:
  """The rule with its settings, see `cr_mogm`."""

  num_tasks: int
  balancer: GradientBalancer
  ema_decay: float

  def init(self) -> SmoothedState:
    """Return the first state."""
    unknown = jnp.full(self.num_tasks, jnp.nan)
    return SmoothedState(self.balancer.init(()), unknown, unknown)

  def solve(
    self, gram: Gram, context: GradientContext, state: SmoothedState
  ) -> tuple[jax.Array, SmoothedState]:
    """Return the averages of the weights and the state."""
    weights, inner = self.balancer.weigh(
      gram,
      state=state.inner,
      present=context.present,
      losses=context.losses,
      key=context.key,
      sigma=context.sigma,
      influence=context.influence,
    )
    decoders = self.balancer.decoder_weights(inner)
    after = SmoothedState(
      inner,
      self._average(weights, state.shared, context.present),
      self._average(decoders, state.decoders, context.present),
    )
    return after.shared.astype(weights.dtype), after

  def _average(
    self, new: jax.Array, old: jax.Array, present: jax.Array
  ) -> jax.Array:
    """Return the moving average f32[K]; that of an absent task stays."""
    mixed = new + self.ema_decay * (old - new)
    mixed = jnp.where(jnp.isnan(old), new, mixed)
    return jnp.where(present, mixed, old).astype(old.dtype)
