"""Auto-lambda: weights that would have decreased the primary losses faster."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.loss_balancer import LossBalancer, Need, Observation
from jtr_jax.core.fields import POSITIVE, Source


class AutoLambdaState(NamedTuple):
  """State of Auto-lambda.

  Attributes:
    weights: f32[K], lambda; not bounded.
    optimizer: state of their Adam.
  """

  weights: jax.Array
  optimizer: Tree


def auto_lambda(
  num_tasks: int,
  *,
  initial: Annotated[float, Source("Auto-lambda, released code")] = 0.1,
  meta_learning_rate: Annotated[
    float, POSITIVE, Source("Auto-lambda, NYUv2")
  ] = 1e-4,
) -> LossBalancer:
  """Return sum_k lambda_k L_k, lambda minimising the losses after a step.

  After a virtual step of the network with these weights, the losses of the
  primary tasks are evaluated on another batch; their derivative in lambda_k is
  `Observation.influence`, which the training step computes.

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
