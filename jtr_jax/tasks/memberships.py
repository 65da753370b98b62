"""Class scores made into differentiable memberships, and their divergence."""

import jax
import jax.numpy as jnp

from jtr_jax.core import errors
from jtr_jax.tasks.base import Relaxation


def relaxed(
  logits: jax.Array, relaxation: Relaxation, key: jax.Array
) -> jax.Array:
  """Return memberships f32[..., C] that sum to 1, see `joint_prediction`.

  Args:
    logits: f32[..., C].
    relaxation: how.
    key: for the noise of "gumbel".

  Raises:
    ValueError: for an unknown relaxation.
  """
  if relaxation == "softmax":
    return jax.nn.softmax(logits)
  if relaxation == "straight_through":
    return _straight_through(logits)
  if relaxation == "gumbel":
    noise = jax.random.gumbel(key, logits.shape, logits.dtype)
    return _straight_through(logits + noise)
  known = ("gumbel", "straight_through", "softmax")
  raise errors.unknown_name("relaxation", relaxation, known)


def divergence(logits: jax.Array, target: jax.Array) -> jax.Array:
  """Return f32[...]: sum_c t_c (log t_c - log softmax(logits)_c).

  Args:
    logits: f32[..., C].
    target: f32[..., C], memberships.
  """
  entropy = jax.scipy.special.entr(jax.lax.stop_gradient(target))
  cross = target * jax.nn.log_softmax(logits)
  return -jnp.sum(cross + entropy, axis=-1)


def _straight_through(logits: jax.Array) -> jax.Array:
  """Return the one-hot arg max with the gradient of the soft-max."""
  soft = jax.nn.softmax(logits)
  hard = jax.nn.one_hot(
    jnp.argmax(logits, axis=-1), logits.shape[-1], dtype=soft.dtype
  )
  return hard + (soft - jax.lax.stop_gradient(soft))
