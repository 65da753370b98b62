"""STCH: a smooth maximum of the losses relative to a reference point."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree, strong
from jtr_jax.balancing.loss_balancer import LossBalancer, Observation
from jtr_jax.core import numerics
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source, Unit


class StchState(NamedTuple):
  """State of STCH: the losses of one epoch.

  Attributes:
    step: i32[], number of updates.
    total: f32[K], sum over the steps of that epoch.
    steps: f32[K], its steps in which the task was present.
  """

  step: jax.Array
  total: jax.Array
  steps: jax.Array


def stch(
  num_tasks: int,
  *,
  period: int,
  warm_up: Annotated[int, NOT_NEGATIVE, Unit("epochs"), Source("LibMTL")] = 4,
  smoothness: Annotated[float, POSITIVE, Source("LibMTL")] = 1.0,
) -> LossBalancer:
  """Return Smooth Tchebycheff scalarisation.

  K mu logsumexp_k(log(L_k / nadir_k) / mu); the nadir is the mean of the losses
  in the epoch after the warm-up, and until then the objective is sum_k log L_k.

  Args:
    num_tasks: K.
    period: steps of an epoch.
    warm_up: epochs.
    smoothness: mu; the smaller, the closer to the maximum.

  Source: Lin et al., ICML 2024, Eq. (9); schedule of LibMTL.
  """
  first, last = warm_up * period, (warm_up + 1) * period

  def init() -> StchState:
    zeros = jnp.zeros(num_tasks)
    return StchState(jnp.zeros((), jnp.int32), zeros, zeros)

  def objective(
    params: Tree,
    state: StchState,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    del params, key
    logs = from_weights.log(losses, present)
    nadir = numerics.safe_divide(state.total, state.steps)
    relative = logs - from_weights.log(nadir, present & (state.steps > 0))
    exponents = relative / smoothness
    top = jnp.max(jnp.where(present, exponents, -jnp.inf))
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0))
    powers = jnp.exp(jnp.where(present, exponents - top, 0))
    total = jnp.sum(jnp.where(present, powers, 0))
    smooth = jnp.log(jnp.where(total > 0, total, 1)) + top
    smooth = from_weights.count(present) * smoothness * smooth
    return jnp.where(state.step < last, jnp.sum(logs), smooth)

  def observe(state: StchState, seen: Observation) -> StchState:
    counts = seen.present & (state.step >= first) & (state.step < last)
    return StchState(
      state.step + 1,
      state.total + jnp.where(counts, seen.losses, 0),
      state.steps + counts,
    )

  return LossBalancer("stch", lambda: ((), strong(init())), objective, observe)
