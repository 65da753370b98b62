"""Weights from how fast the losses of whole epochs fall: DWA and ATW."""

import jax
import jax.numpy as jnp

from jtr_jax.balancing import epoch_losses, from_weights
from jtr_jax.balancing.base import LossBalancer, Observation, Tree, strong
from jtr_jax.balancing.epoch_losses import EpochMeans
from jtr_jax.balancing.from_weights import Mean
from jtr_jax.balancing.loss import uw


def dwa(
  num_tasks: int,
  *,
  period: int,
  temperature: float = 2.0,
  mean: Mean = "arithmetic",
) -> LossBalancer:
  """Return Dynamic Weight Average: slower tasks weigh more.

  w = K softmax(r / T), r_k = L_k(e-1) / L_k(e-2) of epoch means, and 1 in the
  first two epochs. Losses of hidden labels never enter the means.

  Args:
    num_tasks: K.
    period: steps of an epoch.
    temperature: T.
    mean: "geometric" takes the weights as exponents.

  Source: Liu, Johns and Davison, CVPR 2019, Eq. (7); MTAN code. Geometric: the
    released code of AMTL.
  Deviations: MTPSL's trainer reads means over all labels, hidden ones too; the
    released code of AMTL multiplies by T where the paper divides.
  """

  def weigh(
    state: EpochMeans, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del losses, key
    speed = epoch_losses.ratio(state.last, state.before)
    return _speed_weights(speed / temperature, state, present)

  return from_weights.from_weights(
    "dwa",
    weigh,
    init=lambda: epoch_losses.start(num_tasks),
    observe=lambda state, seen: epoch_losses.include(state, seen, period),
    mean=mean,
  )


def atw(
  num_tasks: int, *, period: int, temperature: float = 2.0
) -> LossBalancer:
  """Return adaptive task weighting, ATW-like: speeds times uncertainty.

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
  learnt = uw.uw(num_tasks, initial_weight=0.5)

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
    speeds = _speed_weights((short + long) / (2 * temperature), state, present)
    each = uw.terms(params["log_variance"], losses)
    return from_weights.weighted_sum(speeds, each, present)

  def observe(state: EpochMeans, seen: Observation) -> EpochMeans:
    return epoch_losses.include(state, seen, period)

  return learnt._replace(
    name="atw",
    init=lambda: (learnt.init()[0], strong(epoch_losses.start(num_tasks))),
    objective=objective,
    observe=observe,
  )


def _speed_weights(
  exponents: jax.Array, state: EpochMeans, present: jax.Array
) -> jax.Array:
  """Return the present tasks' soft-max times their number; 1 at first."""
  weights = from_weights.count(present) * from_weights.softmax(
    exponents, present
  )
  return jnp.where(state.epochs < 2, 1, weights)
