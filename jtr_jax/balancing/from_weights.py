"""Loss balancers from weights, and the arithmetic that they share."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.balancing.base import Scope, Tree, strong
from jtr_jax.balancing.loss_balancer import LossBalancer, Need, Observation
from jtr_jax.core import errors, numerics

Mean: TypeAlias = Literal["arithmetic", "geometric", "logarithmic"]
"""How losses are combined: sum_k w_k L_k, prod_k L_k^(w_k / sum_j w_j), or
sum_k w_k log L_k."""

Weigh: TypeAlias = Callable[[Tree, jax.Array, jax.Array, jax.Array], jax.Array]
"""(state, losses f32[K], present bool[K], key) -> weights f32[K]."""

LOSS_FLOOR = 1e-12
"""Losses are at least this inside logarithms and quotients."""


def from_weights(
  name: str,
  weigh: Weigh,
  *,
  init: Callable[[], Tree] = tuple,
  observe: Callable[[Tree, Observation], Tree] = lambda state, seen: state,
  update_from_accuracies: Callable[[Tree, jax.Array], Tree] = (
    lambda state, accuracies: state
  ),
  needs: Need = Need.LOSSES,
  scopes: tuple[Scope, ...] = (),
  mean: Mean = "arithmetic",
  is_plain_sum: bool = False,
  samples: bool = False,
) -> LossBalancer:
  """Return the loss balancer of weights without gradients.

  Args:
    name: in configs and logs.
    weigh: (state, losses, present, key) -> f32[K]; absent ones are ignored.
    observe: see `LossBalancer`.
    update_from_accuracies: see `LossBalancer`.
    needs: see `LossBalancer`.
    scopes: see `LossBalancer`.
    is_plain_sum: see `LossBalancer`.
    samples: see `LossBalancer`.
    init: () -> the first state.
    mean: how the weighted losses are combined.

  Raises:
    ValueError: an unknown mean, naming the nearest.
  """
  if mean not in _AVERAGES:
    raise errors.unknown_name("mean", mean, _AVERAGES)

  def objective(
    params: Tree,
    state: Tree,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    del params
    fixed = jax.lax.stop_gradient(losses)
    weights = jax.lax.stop_gradient(weigh(state, fixed, present, key))
    return _AVERAGES[mean](weights, losses, present)

  return LossBalancer(
    name,
    lambda: ((), strong(init())),
    objective,
    observe,
    update_from_accuracies,
    needs,
    scopes=scopes,
    is_plain_sum=is_plain_sum,
    samples=samples,
  )


def weighted_sum(
  weights: jax.Array, losses: jax.Array, present: jax.Array
) -> jax.Array:
  """Return f32[], the sum of w_k L_k over the present tasks."""
  return jnp.sum(jnp.where(present, weights * losses, 0))


def geometric_mean(
  weights: jax.Array, losses: jax.Array, present: jax.Array
) -> jax.Array:
  """Return f32[], prod_k L_k^(w_k / sum_j w_j) over the present tasks.

  It is exp of the weighted mean of logarithms, and 0 if none is present.
  """
  exponents = numerics.safe_divide(
    jnp.where(present, weights, 0), jnp.sum(jnp.where(present, weights, 0))
  )
  mean = jnp.exp(jnp.sum(exponents * log(losses, present)))
  return jnp.where(jnp.any(present), mean, 0)


def weighted_log_sum(
  weights: jax.Array, losses: jax.Array, present: jax.Array
) -> jax.Array:
  """Return f32[], the sum of w_k log L_k over the present tasks."""
  return weighted_sum(weights, log(losses, present), present)


_AVERAGES = {
  "arithmetic": weighted_sum,
  "geometric": geometric_mean,
  "logarithmic": weighted_log_sum,
}


def log(losses: jax.Array, present: jax.Array) -> jax.Array:
  """Return log L_k with finite gradients, 0 where absent."""
  return jnp.log(jnp.where(present, jnp.maximum(losses, LOSS_FLOOR), 1))


def softmax(values: jax.Array, present: jax.Array) -> jax.Array:
  """Return f32[K], the soft-max over the present tasks, 0 for the others."""
  top = jnp.max(jnp.where(present, values, -jnp.inf))
  top = jnp.where(jnp.isfinite(top), top, 0)
  powers = jnp.where(present, jnp.exp(jnp.where(present, values - top, 0)), 0)
  return numerics.safe_divide(powers, jnp.sum(powers))


def draw_per_task(
  key: jax.Array, num_tasks: int, shape: tuple[int, ...] = ()
) -> jax.Array:
  """Return normal samples f32[K, ...]; a task's do not depend on K."""
  keys = jax.vmap(lambda k: jax.random.fold_in(key, k))(jnp.arange(num_tasks))
  return jax.vmap(lambda key: jax.random.normal(key, shape))(keys)


def count(present: jax.Array) -> jax.Array:
  """Return f32[], how many tasks are present."""
  return jnp.sum(present, dtype=jnp.result_type(float))


def mean_of_present(values: jax.Array, present: jax.Array) -> jax.Array:
  """Return f32[], the mean over the present tasks, 0 if there is none."""
  total = jnp.sum(jnp.where(present, values, 0))
  return numerics.safe_divide(total, count(present))


def keep_absent(new: Tree, old: Tree, present: jax.Array) -> Tree:
  """Return `new` with the entries of absent tasks as they were.

  Args:
    new: leaves f32[K]; others are taken as they are.
    old: of the same structure.
    present: bool[K].
  """

  def chosen(after: Any, before: Any) -> Any:
    return jnp.where(present, after, before) if jnp.ndim(after) else after

  return jax.tree.map(chosen, new, old)


def per_task(
  values: tuple[float, ...], num_tasks: int, field: str
) -> np.ndarray:
  """Return f64[K] of a setting with one number for each task.

  A NumPy array, so that building a balancer starts no device.

  Raises:
    ValueError: the setting has another length.
  """
  if len(values) != num_tasks:
    raise ValueError(
      errors.message(
        f"balancing: {field} does not fit the tasks",
        found=f"{len(values)} numbers, {values}",
        expected=f"{num_tasks}, one for each task in order",
        do=f"Set {field} to a tuple of {num_tasks} numbers.",
      )
    )
  return np.asarray(values, float)
