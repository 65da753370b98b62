"""Auto-lambda: weights that would have made the primary losses fall faster.

And the form of it that IAL compares with, where they weigh the shared
parameters alone.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import LossBalancer, Need, Observation, Tree
from jtr_jax.balancing.loss import uw


class AutoLambdaState(NamedTuple):
  """What Auto-lambda learns.

  Attributes:
    weights: f32[K], lambda; not bounded.
    optimizer: state of their Adam.
  """

  weights: jax.Array
  optimizer: Tree


def auto_lambda(
  num_tasks: int,
  *,
  initial: float = 0.1,
  meta_learning_rate: float = 1e-4,
) -> LossBalancer:
  """Return sum_k lambda_k L_k, lambda descending on the losses after a step.

  A virtual step of the network with these weights is followed by the gradient
  of the primary tasks' losses on another batch; how each lambda_k changes them
  is `Observation.influence`, which the training step measures.

  Args:
    num_tasks: K.
    initial: lambda at the start.
    meta_learning_rate: of lambda, Adam; 1e-4 on NYUv2, 3e-5 on Cityscapes.

  Source: Liu et al., TMLR 2022, Eq. (4)-(6) and the released code.
  """
  optimizer = optax.adam(meta_learning_rate)

  def init() -> AutoLambdaState:
    weights = jnp.full(num_tasks, initial)
    return AutoLambdaState(weights, optimizer.init(weights))

  def observe(state: AutoLambdaState, seen: Observation) -> AutoLambdaState:
    influence = jnp.where(seen.present, seen.influence, 0)
    step, inner = optimizer.update(-influence, state.optimizer, state.weights)
    new = AutoLambdaState(state.weights + step, inner)
    known = seen.present & jnp.any(influence != 0)
    return from_weights.keep_absent(new, state, known)

  return from_weights.from_weights(
    "auto_lambda",
    lambda state, losses, present, key: state.weights,
    init=init,
    observe=observe,
    needs=Need.EXTRA_BATCH,
  )


def impartial_auto_lambda(
  num_tasks: int,
  *,
  initial: float = 0.1,
  meta_learning_rate: float = 1e-4,
) -> LossBalancer:
  """Return Auto-lambda for shared parameters beside uncertainty for decoders.

  lambda_k multiplies the gradients of task k in the shared parameters;
  1 / (2 sigma_k^2), learnt as in IAL, those in its decoder. The virtual step
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
  decoders = uw.uw(num_tasks, form="log_sigma", initial_weight=0.1)
  return decoders._replace(
    name="impartial_auto_lambda",
    init=lambda: (decoders.init()[0], shared.init()[1]),
    observe=shared.observe,
    needs=shared.needs,
    shared_weights=lambda state: state.weights,
  )
