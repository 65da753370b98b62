"""GradNorm: weights that equalise the gradient norms, by training speed."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.loss_balancer import LossBalancer, Need, Observation
from jtr_jax.core import numerics
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source

_ADDED_WEIGHT = 0.01


class GradNormState(NamedTuple):
  """State of GradNorm.

  Attributes:
    weights: f32[K].
    initial: f32[K], the first loss of each task, NaN before.
    optimizer: state of the weights' own Adam.
  """

  weights: jax.Array
  initial: jax.Array
  optimizer: Tree


def gradnorm(
  num_tasks: int,
  *,
  alpha: Annotated[float, NOT_NEGATIVE, Source("IAL, NYUv2")] = 1.5,
  learning_rate: Annotated[float, POSITIVE, Source("GradNorm")] = 0.025,
) -> LossBalancer:
  """Return GradNorm.

  The weights minimise sum_k |w_k n_k - mean(w n) r_k^alpha|, the mean and r
  held fixed: n_k is the norm of task k's gradient at the last shared layer,
  r_k = (L_k / L_k(0)) / mean of these. Afterwards they are made positive and
  scaled to their former sum.

  Args:
    num_tasks: K.
    alpha: 1.5 for NYUv2 and 0 for Cityscapes in IAL.
    learning_rate: of the weights, Adam.

  Source: Chen et al., ICML 2018, Algorithm 1.
  Deviations: in every step negative weights become 0 and 0.01 is added to all
    before they are scaled, as in an older code of the first author of IAL.
    Absent tasks keep their weight.
  """
  optimizer = optax.adam(learning_rate)

  def init() -> GradNormState:
    weights = jnp.ones(num_tasks)
    unknown = jnp.full(num_tasks, jnp.nan)
    return GradNormState(weights, unknown, optimizer.init(weights))

  def observe(state: GradNormState, seen: Observation) -> GradNormState:
    first = seen.present & jnp.isnan(state.initial)
    initial = jnp.where(first, seen.losses, state.initial)
    _, gradient = gradnorm_loss(
      state.weights,
      seen.norms,
      seen.losses,
      initial,
      alpha=alpha,
      present=seen.present,
    )
    step, inner = optimizer.update(gradient, state.optimizer, state.weights)
    weights = jnp.maximum(state.weights + step, 0) + _ADDED_WEIGHT
    weights = _rescaled(weights, state.weights, seen.present)
    inner = from_weights.keep_absent(inner, state.optimizer, seen.present)
    return GradNormState(weights, initial, inner)

  return from_weights.from_weights(
    "gradnorm",
    lambda state, losses, present, key: state.weights,
    init=init,
    observe=observe,
    needs=Need.SHARED_GRADS,
    scopes=("last_shared_layer",),
  )


def gradnorm_loss(
  weights: jax.Array,
  norms: jax.Array,
  losses: jax.Array,
  initial: jax.Array,
  *,
  alpha: float,
  present: jax.Array,
) -> tuple[jax.Array, jax.Array]:
  """Return the loss of the weights and its gradient.

  Args:
    weights: f32[K].
    norms: f32[K], of the tasks' gradients at the last shared layer.
    losses: f32[K].
    initial: f32[K], the first losses.
    alpha: strength of the pull towards equal training speeds.
    present: bool[K].

  Returns:
    f32[] and f32[K]; sign(w n - target) n, because the target is held fixed.

  Source: Chen et al. 2018, Eq. (2).
  """
  ratio = numerics.safe_divide(losses, jnp.where(present, initial, 0))
  mean_ratio = from_weights.mean_of_present(ratio, present)
  speed = numerics.safe_divide(ratio, mean_ratio)
  lengths = weights * norms
  target = from_weights.mean_of_present(lengths, present) * jnp.power(
    speed, alpha
  )
  gap = jnp.where(present, lengths - target, 0)
  return jnp.sum(jnp.abs(gap)), jnp.sign(gap) * norms


def _rescaled(
  weights: jax.Array, before: jax.Array, present: jax.Array
) -> jax.Array:
  """Return the present tasks' weights with the sum that they had before."""
  total = jnp.sum(jnp.where(present, before, 0))
  scale = numerics.safe_divide(total, jnp.sum(jnp.where(present, weights, 0)))
  return jnp.where(present, weights * scale, before)
