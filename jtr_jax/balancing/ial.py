"""IAL: impartial auxiliary learning, the stage of the encoder.

At the shared features z the primary task's gradient is kept, and each auxiliary
one gets its length times a share f in [0, 1]:
q = q_pri + sum_t f_t (|q_pri| / |q_t|) q_t. The stage of the decoders is
uncertainty weighting (`uncertainty.uw`), whose sigma gives f.

Source: Li et al., "Unprejudiced Training Auxiliary Tasks Makes Primary Better",
Eq. (6)-(10); what the paper leaves open is a switch here.
"""

from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import indicators
from jtr_jax.balancing.base import Given, GradientBalancer, Tree
from jtr_jax.balancing.gramian import Gram, combine, from_gradients, gram
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
  indicator: indicators.Kind = "uncertainty",
  cap: indicators.Cap = "relu",
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
    A balancer of the gradients of unweighted losses at the features. With
    `sigma` among its extra arguments for indicator "uncertainty".
  """
  _check(norm, ("batch", "sample"), "norm")
  _check(absent_primary, ("average", "nothing"), "absent_primary")
  judge = indicators.make(
    indicator, num_tasks, primary=primary, cap=cap, shares=shares, period=period
  )
  own = jnp.arange(num_tasks) == primary

  def init(params: Tree) -> IalState:
    zeros = jnp.zeros(num_tasks)
    return IalState(
      jnp.zeros(()), judge.init(), {"share": zeros, "length": zeros}
    )

  def rule(
    gradients: Tree, given: Given, state: IalState
  ) -> tuple[Tree, jax.Array, IalState]:
    angles = gram(gradients)
    share, inner = judge.share(angles, given, state.indicator)
    share = jnp.where(own, 1, share)
    share = jnp.where(given.present & angles.active, share, 0)
    length = _average(state.length, angles.norms[primary], memory)
    keep = absent_primary == "average"
    reference = jnp.where(
      angles.active[primary], angles.norms[primary], length if keep else 0
    )
    scale = share
    if renormalise:
      scale = share * jnp.where(own, 1, _ratio(reference, angles))
    used = _agreeing(gradients, primary) if conflict_mask else gradients
    if norm == "sample" and renormalise:
      direction = _per_sample(used, gradients, share, primary)
    else:
      direction = combine(used, scale)
    statistics = {"share": share, "length": angles.norms}
    return direction, scale, IalState(length, inner, statistics)

  balancer = from_gradients("ial", num_tasks, rule, init=init)
  return balancer._replace(
    scopes=("features",), needs=judge.needs, unweighted=True
  )


def _ratio(reference: jax.Array, angles: Gram) -> jax.Array:
  """Return f32[K], the reference length over each gradient's."""
  return numerics.safe_divide(reference, angles.norms)


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
