"""Loss balancers with one trained number for each task."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree, strong
from jtr_jax.balancing.loss_balancer import LossBalancer

_LARGEST_EXPONENT = 80.0  # far beyond any in use; exp stays finite


def learned_weights(
  name: str,
  num_tasks: int,
  *,
  parameter: str,
  start: float,
  terms: Callable[[jax.Array, jax.Array], jax.Array],
  sigma: Callable[[jax.Array], jax.Array] | None = None,
) -> LossBalancer:
  """Return the loss balancer whose objective is a sum of terms of each task.

  Args:
    name: in configs and logs.
    num_tasks: K.
    parameter: name of the trained vector.
    start: its first value, the same for all tasks.
    terms: (vector f32[K], losses f32[K]) -> the tasks' terms f32[K].
    sigma: vector f32[K] -> uncertainties f32[K], if it has any.
  """

  def objective(
    params: Tree,
    state: Tree,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    del state, key
    each = terms(params[parameter], losses)
    return jnp.sum(jnp.where(present, each, 0))

  return LossBalancer(
    name,
    lambda: (init_parameter(parameter, num_tasks, start), ()),
    objective,
    sigma=sigma and (lambda params: sigma(params[parameter])),
  )


def init_parameter(name: str, num_tasks: int, start: float) -> Tree:
  """Return {name: f32[K]}, all of them `start`."""
  return strong({name: jnp.full(num_tasks, start)})


def clip_exponent(values: jax.Array) -> jax.Array:
  """Return the values, limited so that their exponential is finite."""
  return jnp.clip(values, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
