"""ATW-like: speeds of the losses times learned uncertainty."""

from typing import Annotated

import jax

from jtr_jax.balancing import (
  epoch_losses,
  from_weights,
  learned_weights,
  uncertainty,
)
from jtr_jax.balancing.base import Tree, strong
from jtr_jax.balancing.epoch_losses import EpochMeans
from jtr_jax.balancing.loss_balancer import LossBalancer, Observation
from jtr_jax.balancing.uncertainty import Form
from jtr_jax.core.fields import POSITIVE

_FORM: Form = "log_variance"


def atw(
  num_tasks: int, *, period: int, temperature: Annotated[float, POSITIVE] = 2.0
) -> LossBalancer:
  """Return ATW-like adaptive task weighting: speeds times uncertainty.

  sum_k v_k (L_k / (2 sigma_k^2) + log sigma_k), v = K softmax((r + q) / (2 T)),
  r the ratio of the last two epochs' means as in DWA, q that of the last one to
  the mean of all.

  Args:
    num_tasks: K.
    period: steps of an epoch.
    temperature: T.

  Source: Chen et al., IEEE T-IV 9(1), 2024, known from its abstract (short-term
    variation and long-term statistics, built on uncertainty weighting): an
    approximation.
  """
  start = uncertainty.initial_parameter(_FORM, 0.5)

  def init() -> tuple[Tree, EpochMeans]:
    params = learned_weights.init_parameter(_FORM, num_tasks, start)
    return params, strong(epoch_losses.start(num_tasks))

  def objective(
    params: Tree,
    state: EpochMeans,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    del key
    short = epoch_losses.ratio(state.last, state.before)
    long = epoch_losses.ratio(
      state.last, epoch_losses.ratio(state.long_total, state.measured)
    )
    speeds = epoch_losses.speed_weights(
      (short + long) / (2 * temperature), state, present
    )
    each = uncertainty.terms(params[_FORM], losses)
    return from_weights.weighted_sum(speeds, each, present)

  def observe(state: EpochMeans, seen: Observation) -> EpochMeans:
    return epoch_losses.include(state, seen, period)

  return LossBalancer(
    "atw",
    init,
    objective,
    observe,
    sigma=lambda params: uncertainty.sigma(_FORM, params[_FORM]),
  )
