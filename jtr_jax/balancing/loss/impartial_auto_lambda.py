"""Auto-lambda for shared parameters alone, as IAL compares with."""

from typing import Annotated

from jtr_jax.balancing.loss.auto_lambda import auto_lambda
from jtr_jax.balancing.loss.uw import uw
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.balancing.uncertainty import IAL_INITIAL_WEIGHT
from jtr_jax.core.fields import POSITIVE, Source


def impartial_auto_lambda(
  num_tasks: int,
  *,
  initial: Annotated[float, Source("Auto-lambda, released code")] = 0.1,
  meta_learning_rate: Annotated[
    float, POSITIVE, Source("Auto-lambda, NYUv2")
  ] = 1e-4,
) -> LossBalancer:
  """Return Auto-lambda for shared parameters and uncertainty for decoders.

  lambda_k multiplies the gradients of task k in the shared parameters;
  1 / (2 sigma_k^2), learned as in IAL, those in its decoder. The virtual step
  is Auto-lambda's own, with lambda for all parameters.

  Args:
    num_tasks: K.
    initial: lambda at the start.
    meta_learning_rate: of lambda.

  Source: IAL, Sec. IV-D and Table IX, "impartial" Auto-lambda.
  Deviations: the paper says nothing of the virtual step.
  """
  shared = auto_lambda(
    num_tasks, initial=initial, meta_learning_rate=meta_learning_rate
  )
  decoders = uw(num_tasks, form="log_sigma", initial_weight=IAL_INITIAL_WEIGHT)
  return LossBalancer(
    "impartial_auto_lambda",
    lambda: (decoders.init()[0], shared.init()[1]),
    decoders.objective,
    shared.observe,
    needs=shared.needs,
    sigma=decoders.sigma,
    shared_weights=lambda state: state.weights,
  )
