"""What auxiliary tasks' shares in the encoder come from (IAL, Table XI)."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import (
  Given,
  LossBalancer,
  Need,
  Observation,
  Tree,
  weights_of,
)
from jtr_jax.balancing.from_gramian import Gram
from jtr_jax.balancing.loss import dwa, gradnorm
from jtr_jax.core import errors, numerics

Kind: TypeAlias = Literal["uncertainty", "fixed", "speed", "norm", "cosine"]
"""sigma of the decoders' weighting; numbers; relative training speed (DWA);
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
_FIXED_SHARE = 0.1  # IAL, Table VIII


class Indicator(NamedTuple):
  """Where shares come from.

  Attributes:
    init: () -> state.
    share: (gram, given, state) -> (f32[K], state); the primary's is ignored.
    needs: see `GradientBalancer`.
  """

  init: Callable[[], Tree]
  share: Callable[[Gram, Given, Tree], tuple[jax.Array, Tree]]
  needs: Need = Need.LOSSES


def make(
  kind: Kind,
  num_tasks: int,
  *,
  primary: int,
  cap: Cap,
  shares: tuple[float, ...],
  period: int,
) -> Indicator:
  """Return an indicator by name.

  Args:
    kind: see `Kind`.
    num_tasks: K.
    primary: index of the primary task.
    cap: for "uncertainty".
    shares: for "fixed"; () for 0.1 each.
    period: steps of an epoch, for "speed".

  Raises:
    ValueError: an unknown name, or shares that do not fit.
  """
  if cap not in _CAPS:
    raise errors.unknown_name("cap", cap, _CAPS)
  makers: dict[str, Callable[[], Indicator]] = {
    "uncertainty": lambda: _stateless(
      lambda gram, given: cap_share(_sigma(given), cap)
    ),
    "fixed": lambda: _fixed(shares or (_FIXED_SHARE,) * num_tasks, num_tasks),
    "speed": lambda: _relative(dwa.dwa(num_tasks, period=period), primary),
    "norm": lambda: _relative(gradnorm.gradnorm(num_tasks), primary),
    "cosine": lambda: _stateless(
      lambda gram, given: jnp.maximum(gram.cosines[primary], 0)
    ),
  }
  if kind not in makers:
    raise errors.unknown_name("indicator", kind, makers)
  return makers[kind]()


def cap_share(sigma: jax.Array, cap: Cap) -> jax.Array:
  """Return f32[K], f(sigma) = min(1, g(1 - sigma)).

  Source: IAL, Eq. (9).
  """
  return _CAPS[cap](1 - sigma)


def _stateless(
  share: Callable[[Gram, Given], jax.Array],
) -> Indicator:
  return Indicator(
    tuple, lambda gram, given, state: (share(gram, given), state)
  )


def _fixed(shares: tuple[float, ...], num_tasks: int) -> Indicator:
  values = from_weights.per_task(shares, num_tasks, "shares")
  return _stateless(lambda gram, given: values)


def _relative(balancer: LossBalancer, primary: int) -> Indicator:
  """Return f_t = min(1, w_t / w_pri) of a loss balancer's weights.

  Deviations: how the paper makes a share of these indicators is not stated.
  """

  def init() -> tuple[Tree, jax.Array]:
    return balancer.init()[1], jnp.zeros((), jnp.int32)

  def share(
    gram: Gram, given: Given, state: tuple[Tree, jax.Array]
  ) -> tuple[jax.Array, tuple[Tree, jax.Array]]:
    memory, step = state
    _, weights, _ = weights_of(
      balancer, (), memory, given.losses, given.present, given.key
    )
    seen = Observation(
      given.losses, given.present, step, gram.norms, gram.cosines
    )
    relative = numerics.safe_divide(weights, weights[primary])
    return jnp.clip(relative, 0, 1), (balancer.observe(memory, seen), step + 1)

  return Indicator(init, share)


def _sigma(given: Given) -> jax.Array:
  if given.sigma is None:
    raise ValueError(
      errors.message(
        "Nobody learns the uncertainties that the shares come from",
        found="no sigma",
        expected="sigma f32[K]",
        do="Weigh losses by 'uw', or pass sigma=... to the transform.",
      )
    )
  return given.sigma
