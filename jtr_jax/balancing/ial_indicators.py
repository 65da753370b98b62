"""Indicators that determine the auxiliary weights f of IAL (Table XI)."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.gradient_balancer import GradientContext
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.loss.dwa import dwa
from jtr_jax.balancing.loss.gradnorm import gradnorm
from jtr_jax.balancing.loss_balancer import LossBalancer, Observation
from jtr_jax.core import errors, numerics

Kind: TypeAlias = Literal["uncertainty", "fixed", "speed", "norm", "cosine"]
"""sigma of the decoders' weighting; constants; relative training speed (DWA);
expected gradient norm (GradNorm); cosine with the primary gradient."""

Cap: TypeAlias = Literal["relu", "softplus", "exp", "linear"]
"""f = min(1, g(1 - sigma)), g a ReLU, a soft-plus or exp; linear is 1 - sigma,
negative too (an older code of the first author)."""

_CAPS: dict[str, Callable[[jax.Array], jax.Array]] = {
  "relu": lambda x: jnp.clip(x, 0, 1),
  "softplus": lambda x: jnp.minimum(jax.nn.softplus(x), 1),
  "exp": lambda x: jnp.minimum(jnp.exp(x), 1),
  "linear": lambda x: x,
}
_FIXED_WEIGHT = 0.1  # IAL, Table VIII


class Indicator(NamedTuple):
  """A rule for f.

  Attributes:
    init: () -> state.
    weights: (gram, context, state) -> (f f32[K], state); the primary task's is
      ignored.
    needs_losses: see `GradientBalancer`.
    needs_sigma: see `GradientBalancer`.
  """

  init: Callable[[], Tree]
  weights: Callable[[Gram, GradientContext, Tree], tuple[jax.Array, Tree]]
  needs_losses: bool = False
  needs_sigma: bool = False


def make(
  kind: Kind,
  num_tasks: int,
  *,
  primary: int,
  cap: Cap,
  auxiliary_weights: tuple[float, ...],
  period: int,
) -> Indicator:
  """Return an indicator by name.

  Args:
    kind: see `Kind`.
    num_tasks: K.
    primary: index of the primary task.
    cap: for "uncertainty".
    auxiliary_weights: for "fixed"; () for 0.1 each.
    period: steps of an epoch, for "speed".

  Raises:
    ValueError: an unknown name, or weights that do not fit the tasks.
  """
  if cap not in _CAPS:
    raise errors.unknown_name("cap", cap, _CAPS)
  makers: dict[str, Callable[[], Indicator]] = {
    "uncertainty": lambda: _uncertainty(cap),
    "fixed": lambda: _fixed(auxiliary_weights, num_tasks),
    "speed": lambda: _relative(dwa(num_tasks, period=period), primary),
    "norm": lambda: _relative(gradnorm(num_tasks), primary),
    "cosine": lambda: _cosine(primary),
  }
  if kind not in makers:
    raise errors.unknown_name("indicator", kind, makers)
  return makers[kind]()


def cap_sigma(sigma: jax.Array, cap: Cap) -> jax.Array:
  """Return f32[K], f(sigma) = min(1, g(1 - sigma)).

  Source: IAL, Eq. (9).
  """
  return _CAPS[cap](1 - sigma)


def _uncertainty(cap: Cap) -> Indicator:
  """Return f(sigma)."""
  return Indicator(
    tuple,
    lambda gram, context, state: (cap_sigma(context.sigma, cap), state),
    needs_sigma=True,
  )


def _fixed(weights: tuple[float, ...], num_tasks: int) -> Indicator:
  """Return constant weights."""
  values = from_weights.per_task(
    weights or (_FIXED_WEIGHT,) * num_tasks, num_tasks, "auxiliary_weights"
  )
  return Indicator(
    tuple, lambda gram, context, state: (jnp.asarray(values), state)
  )


def _cosine(primary: int) -> Indicator:
  """Return max(0, cos(q_pri, q_t))."""
  return Indicator(
    tuple,
    lambda gram, context, state: (
      jnp.maximum(gram.cosines[primary], 0),
      state,
    ),
  )


def _relative(balancer: LossBalancer, primary: int) -> Indicator:
  """Return f_t = min(1, w_t / w_pri) of a loss balancer's weights.

  Deviations: the paper does not define f for these indicators.
  """

  def init() -> tuple[Tree, jax.Array]:
    return balancer.init()[1], jnp.zeros((), jnp.int32)

  def weights(
    gram: Gram, context: GradientContext, state: tuple[Tree, jax.Array]
  ) -> tuple[jax.Array, tuple[Tree, jax.Array]]:
    inner, step = state
    _, found, _ = balancer.weigh(
      (), inner, context.losses, present=context.present, key=context.key
    )
    seen = Observation(
      context.losses, context.present, step, gram.norms, gram.cosines
    )
    relative = numerics.safe_divide(found, found[primary])
    return jnp.clip(relative, 0, 1), (balancer.observe(inner, seen), step + 1)

  return Indicator(init, weights, needs_losses=True)
