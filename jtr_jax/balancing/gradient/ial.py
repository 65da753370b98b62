"""IAL: impartial auxiliary learning, the stage of the encoder.

At the shared features z the primary task's gradient is kept, and each auxiliary
one gets its length times a share f in [0, 1]:
q = q_pri + sum_t f_t (|q_pri| / |q_t|) q_t. The stage of the decoders is
uncertainty weighting (`uncertainty.uw`), whose sigma gives f.

Source: Li et al., "Unprejudiced Training Auxiliary Tasks Makes Primary Better",
Eq. (6)-(10); what the paper leaves open is a switch here.
"""

import dataclasses
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Given, GradientBalancer, Tree
from jtr_jax.balancing.from_gramian import combine, from_gradients, gram
from jtr_jax.balancing.gradient import ial_indicators
from jtr_jax.balancing.gradient.ial_indicators import Indicator
from jtr_jax.core import errors, numerics

Norm: TypeAlias = Literal["batch", "sample"]
"""Lengths of the gradients of the whole batch, or of each of its samples."""

AbsentPrimary: TypeAlias = Literal["average", "nothing"]
"""Without a label of the primary task auxiliary gradients get the length that
its gradients had on average, or 0: the encoder stands still."""


class IalState(NamedTuple):
  """What the encoder stage remembers.

  Attributes:
    length: f32[], moving average of the primary gradient's length, 0 before.
    indicator: state of the indicator.
    statistics: "share" f32[K], f, 1 for the primary task; "length" f32[K],
      norms of the gradients at z.
  """

  length: jax.Array
  indicator: Tree
  statistics: dict[str, jax.Array]


def ial(
  num_tasks: int,
  *,
  primary: int = 0,
  indicator: ial_indicators.Kind = "uncertainty",
  cap: ial_indicators.Cap = "relu",
  shares: tuple[float, ...] = (),
  renormalise: bool = True,
  norm: Norm = "batch",
  conflict_mask: bool = False,
  absent_primary: AbsentPrimary = "average",
  memory: float = 0.99,
  period: int = 1,
) -> GradientBalancer:
  """Return the encoder stage of impartial auxiliary learning.

  Args:
    num_tasks: K.
    primary: index of the primary task.
    indicator: what f comes from; "uncertainty" is the paper's.
    cap: from sigma to f; "relu" is clip(1 - sigma, 0, 1).
    shares: f of every task for indicator "fixed", () for 0.1.
    renormalise: give auxiliary gradients the primary one's length; without it
      q_pri + sum_t f_t q_t (ablation).
    norm: of what lengths are taken; with "sample" a sample without a label of
      the primary task gives the encoder nothing.
    conflict_mask: drop entries of auxiliary gradients whose sign is not that of
      the primary one's entry, as an older code of the first author does;
      lengths are those before.
    absent_primary: what happens in a batch without a label of the primary task.
    memory: of the moving average of the primary gradient's length.
    period: steps of an epoch, for indicator "speed".

  Returns:
    The balancer; indicator "uncertainty" wants `sigma` as an extra argument.
  """
  _check(norm, ("batch", "sample"), "norm")
  _check(absent_primary, ("average", "nothing"), "absent_primary")
  judge = ial_indicators.make(
    indicator, num_tasks, primary=primary, cap=cap, shares=shares, period=period
  )
  stage = _EncoderStage(
    num_tasks,
    primary,
    judge,
    renormalise,
    norm,
    conflict_mask,
    absent_primary,
    memory,
  )
  balancer = from_gradients("ial", num_tasks, stage.rule, init=stage.init)
  return balancer._replace(
    scopes=("features",), needs=judge.needs, unweighted=True
  )


@dataclasses.dataclass(frozen=True)
class _EncoderStage:
  """The rule with its settings, see `ial`."""

  num_tasks: int
  primary: int
  indicator: Indicator
  renormalise: bool
  norm: Norm
  conflict_mask: bool
  absent_primary: AbsentPrimary
  memory: float

  def init(self, params: Tree) -> IalState:
    """Return the first state."""
    del params
    zeros = jnp.zeros(self.num_tasks)
    statistics = {"share": zeros, "length": zeros}
    return IalState(jnp.zeros(()), self.indicator.init(), statistics)

  def rule(
    self, gradients: Tree, given: Given, state: IalState
  ) -> tuple[Tree, jax.Array, IalState]:
    """Return the direction, what gradients were multiplied by, and state."""
    primary, angles = self.primary, gram(gradients)
    share, inner = self.indicator.share(angles, given, state.indicator)
    counts = given.present & angles.active
    share = jnp.where(counts, share.at[primary].set(1), 0)
    own = angles.norms[primary]
    length = _average(state.length, own, self.memory)
    fallback = length if self.absent_primary == "average" else 0
    reference = jnp.where(own > 0, own, fallback)
    ratio = numerics.safe_divide(reference, angles.norms).at[primary].set(1)
    scale = share * ratio if self.renormalise else share
    used = _agreeing(gradients, primary) if self.conflict_mask else gradients
    if self.norm == "sample" and self.renormalise:
      direction = _per_sample(used, gradients, share, primary)
    else:
      direction = combine(used, scale)
    statistics = {"share": share, "length": angles.norms}
    return direction, scale, IalState(length, inner, statistics)


def _average(before: jax.Array, now: jax.Array, memory: float) -> jax.Array:
  """Return the moving average of lengths; a length of 0 is left out."""
  mixed = jnp.where(before > 0, memory * before + (1 - memory) * now, now)
  return jnp.where(now > 0, mixed, before)


def _agreeing(gradients: Tree, primary: int) -> Tree:
  """Return the gradients without the entries against the primary one's."""
  return jax.tree.map(
    lambda x: jnp.where(jnp.sign(x) * jnp.sign(x[primary]) < 0, 0, x),
    gradients,
  )


def _per_sample(
  used: Tree, gradients: Tree, share: jax.Array, primary: int
) -> Tree:
  """Return the direction [B, ...] with the lengths of each sample."""
  per_sample = jax.vmap(gram, in_axes=1)(gradients).norms  # [B, K]
  ratio = numerics.safe_divide(per_sample[:, primary, None], per_sample)
  own = jnp.arange(len(share)) == primary
  scale = share * jnp.where(own, 1, ratio)
  return jax.vmap(combine, in_axes=(1, 0))(used, scale)


def _check(value: str, known: tuple[str, ...], field: str) -> None:
  if value not in known:
    raise errors.unknown_name(field, value, known)
