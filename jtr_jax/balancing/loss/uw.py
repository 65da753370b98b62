"""UW: uncertainty weighting by learned homoscedastic uncertainties."""

import math
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.balancing import uncertainty
from jtr_jax.balancing.learned_weights import learned_weights
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.balancing.uncertainty import Form
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source


def uw(
  num_tasks: int,
  *,
  form: Form = "log_variance",
  initial_weight: Annotated[
    float, POSITIVE, Source("MTAN, released code")
  ] = 0.5 * math.exp(0.5),
  classification: Annotated[tuple[int, ...], NOT_NEGATIVE] = (),
) -> LossBalancer:
  """Return sum_k L_k / (2 sigma_k^2) + log sigma_k with learned sigma.

  Args:
    num_tasks: K.
    form: what is learned.
    initial_weight: 1 / (2 sigma^2) at the start. The default is s = -0.5, as in
      MTAN, MTPSL and LibMTL; IAL starts at 0.1.
    classification: indices of tasks whose loss is not halved, as the derivation
      has it for cross-entropy.

  Source: Kendall 2018, Eq. (7) and (10); IAL, Eq. (3).
  Deviations: the released MTAN, MTPSL and Auto-lambda call the log variance
    log sigma; here the names are right.
  """
  doubled = np.array([k in classification for k in range(num_tasks)])

  def terms(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    scaled = jnp.where(doubled, 2, 1) * losses
    return uncertainty.terms(uncertainty.log_variance(form, parameter), scaled)

  return learned_weights(
    "uw",
    num_tasks,
    parameter=form,
    start=uncertainty.initial_parameter(form, initial_weight),
    terms=terms,
    sigma=lambda parameter: uncertainty.sigma(form, parameter),
  )
