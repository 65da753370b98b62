"""IAL: impartial auxiliary learning, the stage of the encoder.

At the shared features z the primary task's gradient is kept, and each auxiliary
one is rescaled to its length times a weight f in [0, 1]:
q = q_pri + sum_t f_t (|q_pri| / |q_t|) q_t. The stage of the decoders is
uncertainty weighting (`loss.uw`), whose sigma determines f.

Source: Li et al., "Unprejudiced Training Auxiliary Tasks Makes Primary Better",
Eq. (6)-(10); what the paper leaves open is a switch here.
"""

import dataclasses
from typing import Annotated, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import constant_weights, ial_indicators
from jtr_jax.balancing.base import Tree, require_choice
from jtr_jax.balancing.from_gramian import from_gradients
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import combine, gram
from jtr_jax.balancing.ial_indicators import Indicator
from jtr_jax.balancing.uncertainty import IAL_INITIAL_SIGMA
from jtr_jax.core import numerics
from jtr_jax.core.fields import DECAY, FRACTION, POSITIVE, Source

_PAPER = Source("IAL, Sec. IV-B")

Norm: TypeAlias = Literal["batch", "sample"]
"""Lengths of the gradients of the whole batch, or of each of its samples."""

AbsentPrimary: TypeAlias = Literal["average", "nothing"]
"""Without a label of the primary task, auxiliary gradients get the length that
its gradients had on average, or 0: the encoder is not updated."""


class IalState(NamedTuple):
  """State of the encoder stage.

  Attributes:
    length: f32[], moving average of the primary gradient's length, 0 before.
    indicator: state of the indicator.
    statistics: for logs: "share" f32[K], the weights f, 1 for the primary task;
      "length" f32[K], norms of the gradients at z.
  """

  length: jax.Array
  indicator: Tree
  statistics: dict[str, jax.Array]


@constant_weights.declare("auxiliary_weights", indicator="fixed")
def ial(
  num_tasks: int,
  *,
  primary: int = 0,
  indicator: ial_indicators.Kind = "uncertainty",
  cap: ial_indicators.Cap = "relu",
  auxiliary_weights: Annotated[tuple[float, ...], FRACTION] = (),
  renormalise: bool = True,
  norm: Norm = "batch",
  conflict_mask: bool = False,
  absent_primary: AbsentPrimary = "average",
  ema_decay: Annotated[float, DECAY] = 0.99,
  initial_sigma: Annotated[float, POSITIVE, _PAPER] = IAL_INITIAL_SIGMA,
  period: int = 1,
) -> GradientBalancer:
  """Return the encoder stage of impartial auxiliary learning.

  Args:
    num_tasks: K.
    primary: index of the primary task.
    indicator: what determines f; "uncertainty" is the paper's.
    cap: from sigma to f; "relu" is clip(1 - sigma, 0, 1).
    auxiliary_weights: f of every task for indicator "fixed", () for 0.1.
    renormalise: give auxiliary gradients the primary one's length; without it
      q_pri + sum_t f_t q_t (ablation).
    norm: what lengths are computed of; with "sample" a sample without a label
      of the primary task does not train the encoder.
    conflict_mask: drop entries of auxiliary gradients whose sign is not that of
      the primary one's entry, as an older code of the first author does;
      lengths are those before.
    absent_primary: what happens in a batch without a label of the primary task.
    ema_decay: of the moving average of the primary gradient's length.
    initial_sigma: of sigma with a loss balancer that has none; f = 0.1.
    period: steps of an epoch, for indicator "speed".

  Returns:
    The balancer; needs `sigma` ("uncertainty") or `losses` ("speed", "norm").

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  source = ial_indicators.make(
    indicator,
    num_tasks,
    primary=primary,
    cap=cap,
    auxiliary_weights=auxiliary_weights,
    period=period,
  )
  stage = _EncoderStage(
    num_tasks,
    primary,
    source,
    renormalise,
    norm,
    conflict_mask,
    absent_primary,
    ema_decay,
  )
  return stage.balancer()._replace(initial_sigma=initial_sigma)


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
  ema_decay: float

  def __post_init__(self) -> None:
    """Refuse unknown names."""
    require_choice("norm", self.norm, Norm)
    require_choice("absent_primary", self.absent_primary, AbsentPrimary)

  def balancer(self) -> GradientBalancer:
    """Return the balancer of the rule."""
    return from_gradients(
      "ial",
      self.num_tasks,
      self.rule,
      init=self.init,
      scopes=("features",),
      unweighted=True,
      needs_losses=self.indicator.needs_losses,
      needs_sigma=self.indicator.needs_sigma,
    )

  def init(self, params: Tree) -> IalState:
    """Return the first state."""
    del params
    zeros = jnp.zeros(self.num_tasks)
    statistics = {"share": zeros, "length": zeros}
    return IalState(jnp.zeros(()), self.indicator.init(), statistics)

  def rule(
    self, gradients: Tree, context: GradientContext, state: IalState
  ) -> tuple[Tree, jax.Array, IalState]:
    """Return the direction, the factors of the gradients, and the state."""
    primary, angles = self.primary, gram(gradients, context.axis_name)
    f, inner = self.indicator.weights(angles, context, state.indicator)
    counts = context.present & angles.active
    f = jnp.where(counts, f.at[primary].set(1), 0)
    own = angles.norms[primary]
    length = _average(state.length, own, self.ema_decay)
    fallback = length if self.absent_primary == "average" else 0
    reference = jnp.where(own > 0, own, fallback)
    ratio = numerics.safe_divide(reference, angles.norms).at[primary].set(1)
    scale = f * ratio if self.renormalise else f
    used = _agreeing(gradients, primary) if self.conflict_mask else gradients
    if self.norm == "sample" and self.renormalise:
      direction = _per_sample(used, gradients, f, primary)
    else:
      direction = combine(used, scale)
    statistics = {"share": f, "length": angles.norms}
    return direction, scale, IalState(length, inner, statistics)


def _average(before: jax.Array, now: jax.Array, decay: float) -> jax.Array:
  """Return the moving average of lengths; a length of 0 is skipped."""
  mixed = jnp.where(before > 0, decay * before + (1 - decay) * now, now)
  return jnp.where(now > 0, mixed, before)


def _agreeing(gradients: Tree, primary: int) -> Tree:
  """Return the gradients without entries of the other sign."""
  return jax.tree.map(
    lambda x: jnp.where(jnp.sign(x) * jnp.sign(x[primary]) < 0, 0, x),
    gradients,
  )


def _per_sample(
  used: Tree, gradients: Tree, f: jax.Array, primary: int
) -> Tree:
  """Return the direction [B, ...] with the lengths of each sample."""
  per_sample = jax.vmap(gram, in_axes=1)(gradients).norms  # [B, K]
  ratio = numerics.safe_divide(per_sample[:, primary, None], per_sample)
  own = jnp.arange(len(f)) == primary
  scale = f * jnp.where(own, 1, ratio)
  return jax.vmap(combine, in_axes=(1, 0))(used, scale)
