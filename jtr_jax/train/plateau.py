"""Learning less, or no more, when a metric stops getting better."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax.methods.base import Tree
from jtr_jax.train.state import TrainState


class PlateauState(NamedTuple):
  """What is remembered from one evaluation to the next.

  Attributes:
    factor: f32[], of the learning rate.
    best: f32[], the best value so far; the higher the better.
    waited: i32[], evaluations since then.
  """

  factor: jax.Array
  best: jax.Array
  waited: jax.Array


def reduce_on_plateau() -> optax.GradientTransformation:
  """Return a factor on the updates that `observe` reduces; 1 at the start."""

  def init(params: Tree) -> PlateauState:
    del params
    return PlateauState(
      jnp.ones((), jnp.float32),
      jnp.full((), -jnp.inf, jnp.float32),
      jnp.zeros((), jnp.int32),
    )

  def update(
    updates: Tree, state: PlateauState, params: Tree | None = None
  ) -> tuple[Tree, PlateauState]:
    del params
    scaled = jax.tree.map(lambda u: state.factor.astype(u.dtype) * u, updates)
    return scaled, state

  return optax.GradientTransformation(init, update)


def observe(
  opt_state: optax.OptState,
  value: jax.Array,
  *,
  factor: float,
  patience: int,
) -> optax.OptState:
  """Return the optimiser's state after an evaluation.

  Every `PlateauState` in it is looked for. After more than `patience`
  evaluations without a better value the learning rate falls by the factor, and
  the waiting starts again.

  Args:
    opt_state: with any number of plateau states.
    value: f32[], the higher the better; NaN is never better.
    factor: of a fall.
    patience: evaluations that may pass without a better value.

  Source: torch ReduceLROnPlateau, with threshold 0 and no cool-down.
  """

  def look(state: PlateauState) -> PlateauState:
    better = value > state.best
    waited = jnp.where(better, 0, state.waited + 1)
    falls = waited > patience
    return PlateauState(
      jnp.where(falls, factor * state.factor, state.factor).astype(jnp.float32),
      jnp.where(better, value, state.best).astype(jnp.float32),
      jnp.where(falls, 0, waited).astype(jnp.int32),
    )

  is_plateau = lambda node: isinstance(node, PlateauState)
  return jax.tree.map(
    lambda node: look(node) if is_plateau(node) else node,
    opt_state,
    is_leaf=is_plateau,
  )


def make_update(
  metric: str,
  direction: int,
  *,
  factor: float,
  patience: int,
  sharding: jax.sharding.Sharding,
) -> Callable[
  [TrainState, dict[str, float]], tuple[TrainState, dict[str, float]]
]:
  """Return the update of the optimiser after an evaluation, an `Update`.

  Args:
    metric: name of the value that is looked at.
    direction: +1 if higher is better, -1 if lower.
    factor: of a fall.
    patience: evaluations that may pass without a better value.
    sharding: of the state.
  """
  look = jax.jit(
    functools.partial(observe, factor=factor, patience=patience),
    out_shardings=sharding,
  )

  def update(
    state: TrainState, metrics: dict[str, float]
  ) -> tuple[TrainState, dict[str, float]]:
    value = np.float32(direction * metrics[metric])
    new = look(state.opt_state, value)
    factors = optax.tree.get_all_with_path(new, "factor")
    row = {"rate_factor": float(factors[0][1])}
    return dataclasses.replace(state, opt_state=new), row

  return update


class Patience(NamedTuple):
  """How long a run has waited for a better evaluation; JSON can hold it.

  Attributes:
    best: the best value so far; the higher the better.
    waited: evaluations since then.
  """

  best: float = -math.inf
  waited: int = 0

  def after(self, value: float) -> "Patience":
    """Return what is known after an evaluation; NaN is never better."""
    if value > self.best:
      return Patience(value, 0)
    return Patience(self.best, self.waited + 1)


class EarlyStop(NamedTuple):
  """When evaluations that get no better end a run.

  Attributes:
    metric: name of the value that is looked at.
    direction: +1 if higher is better, -1 if lower.
    patience: evaluations in a row without a better one; 0: never stop.
  """

  metric: str = ""
  direction: int = 1
  patience: int = 0

  def after(self, patience: Patience, metrics: Mapping[str, float]) -> Patience:
    """Return what is known after an evaluation."""
    if not self.patience:
      return patience
    return patience.after(self.direction * metrics[self.metric])

  def is_due(self, patience: Patience) -> bool:
    """Return whether the run has waited long enough."""
    return 0 < self.patience <= patience.waited


NEVER = EarlyStop()
"""Never stop early."""


def restored(content: Any) -> Patience:
  """Return the saved state, or the initial one if an older run saved none."""
  return Patience(*content) if content else Patience()
