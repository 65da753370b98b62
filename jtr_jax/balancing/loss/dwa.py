"""DWA: tasks whose losses fall slowly have more weight."""

from typing import Annotated

import jax

from jtr_jax.balancing import epoch_losses, from_weights
from jtr_jax.balancing.epoch_losses import EpochMeans
from jtr_jax.balancing.from_weights import Mean
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core.fields import POSITIVE, Source


def dwa(
  num_tasks: int,
  *,
  period: int,
  temperature: Annotated[float, POSITIVE, Source("MTAN")] = 2.0,
  mean: Mean = "arithmetic",
) -> LossBalancer:
  """Return Dynamic Weight Average: slower tasks have more weight.

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
    return epoch_losses.speed_weights(speed / temperature, state, present)

  return from_weights.from_weights(
    "dwa",
    weigh,
    init=lambda: epoch_losses.start(num_tasks),
    observe=lambda state, seen: epoch_losses.include(state, seen, period),
    mean=mean,
  )
