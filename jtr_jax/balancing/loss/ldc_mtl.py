"""LDC-MTL: learned weights under a penalty for losses that differ."""

import dataclasses
from typing import Annotated, Literal, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights, learned_weights
from jtr_jax.balancing.base import Tree, require_choice, strong
from jtr_jax.balancing.loss_balancer import LossBalancer, Observation
from jtr_jax.core import numerics
from jtr_jax.core.fields import FACTOR, FRACTION, NOT_NEGATIVE, Source

Normalization: TypeAlias = Literal["initial", "none"]
"""The divisors of the losses: L_k(0) / min_j L_j(0), or 1."""

Discrepancy: TypeAlias = Literal["weighted", "plain"]
"""Whose differences are penalised: those of weighted losses, or of losses."""

_ROUTER = "router"


def ldc_mtl(
  num_tasks: int,
  *,
  strength: Annotated[
    float, NOT_NEGATIVE, Source("LDC-MTL, released code")
  ] = 0.05,
  normalization: Normalization = "initial",
  discrepancy: Discrepancy = "weighted",
  least: Annotated[float, FRACTION] = 0.6,
  largest: Annotated[float, FACTOR, Source("LDC-MTL, released code")] = 0.8,
) -> LossBalancer:
  """Return loss discrepancy control.

  sum_k s_k l_k / sum_k s_k + strength * sum_k |s_k l_k - s_(k+1) l_(k+1)|, with
  l_k = L_k / tau_k and s = softmax(r) clipped; r is learned together with the
  network, and tau_k = L_k(0) / min_j L_j(0). The penalty compares each task
  with the next present one, so the order of the tasks matters.

  Args:
    num_tasks: K.
    strength: of the penalty; 0.05 on NYUv2, 0.1 on Cityscapes, 0.01 on CelebA
      in the released code.
    normalization: "none" for tau = 1, as released for Cityscapes and CelebA.
    discrepancy: "plain" for the penalty sum_k |l_k - l_(k+1)|, as released for
      Cityscapes.
    least: lower end of a weight, relative to equal weights of the present
      tasks: 0.2 for three.
    largest: upper end of a weight.

  Raises:
    ValueError: an unknown name, naming the nearest.

  Source: Xiao, Dong, Zou and Ji 2025 (arXiv:2502.08585), the single-loop form
    of the bilevel problem; the formula and defaults of the released code for
    NYUv2.
  Deviations: the released router computes r from pooled features of the batch;
    here r is K learned numbers, its bias alone: an approximation. They are
    trained with `balancing.learning_rate`. The lower end is 0.2 in the released
    code, which more than five equal weights cannot reach.
  """
  require_choice("normalization", normalization, Normalization)
  require_choice("discrepancy", discrepancy, Discrepancy)
  rule = _Control(strength, normalization, discrepancy, least, largest)

  def init() -> tuple[Tree, jax.Array]:
    params = learned_weights.init_parameter(_ROUTER, num_tasks, 0.0)
    return params, strong(jnp.full(num_tasks, jnp.nan))

  return LossBalancer("ldc_mtl", init, rule.objective, _observe)


@dataclasses.dataclass(frozen=True)
class _Control:
  """The objective with its settings, see `ldc_mtl`."""

  strength: float
  normalization: Normalization
  discrepancy: Discrepancy
  least: float
  largest: float

  def objective(
    self,
    params: Tree,
    first: jax.Array,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    """Return f32[], see `LossBalancer`."""
    del key
    shares = from_weights.softmax(params[_ROUTER], present)
    floor = self.least / jnp.maximum(from_weights.count(present), 1)
    shares = jnp.where(present, jnp.clip(shares, floor, self.largest), 0)
    scaled = losses
    if self.normalization == "initial":
      scaled = _normalised(losses, first, present)
    weighted = jnp.where(present, shares * scaled, 0)
    compared = weighted if self.discrepancy == "weighted" else scaled
    differences = _differences(compared, present)
    return _mean(shares, scaled, present) + self.strength * differences


def _observe(first: jax.Array, seen: Observation) -> jax.Array:
  """Return the first losses f32[K], NaN for a task that was never present."""
  return jnp.where(seen.present & jnp.isnan(first), seen.losses, first)


def _mean(
  shares: jax.Array, values: jax.Array, present: jax.Array
) -> jax.Array:
  """Return f32[], the mean of the values with weights `shares`.

  Of their distances to one of them, so that equal values have no slope in the
  weights, rather than one of rounding errors.
  """
  least = jnp.min(jnp.where(present, values, jnp.inf))
  least = jax.lax.stop_gradient(jnp.where(jnp.isfinite(least), least, 0))
  distances = jnp.where(present, values - least, 0)
  return least + numerics.safe_divide(shares @ distances, jnp.sum(shares))


def _normalised(
  losses: jax.Array, first: jax.Array, present: jax.Array
) -> jax.Array:
  """Return L_k / tau_k f32[K]; first losses are those of a task's first step.

  In that step the quotients are exactly 1, and all results equal.
  """
  now = jax.lax.stop_gradient(losses)
  first = jnp.where(present & jnp.isnan(first), now, first)
  smallest = jnp.min(jnp.where(jnp.isnan(first), jnp.inf, first))
  relative = numerics.safe_divide(losses, jnp.where(present, first, 0))
  return jnp.where(present, smallest * relative, 0)


def _differences(values: jax.Array, present: jax.Array) -> jax.Array:
  """Return f32[], the sum of |differences| of successive present tasks."""
  order = jnp.argsort(~present, stable=True)
  values, known = values[order], present[order]
  gaps = jnp.abs(values[1:] - values[:-1])
  return jnp.sum(jnp.where(known[1:], gaps, 0))
