"""AuxiNash: Nash bargaining with learned bargaining powers."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient.nash_mtl import limited
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
  Influence,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.preference import Preference, preferred
from jtr_jax.balancing.solvers.alpha_fair import equilibrium
from jtr_jax.core import numerics
from jtr_jax.core.fields import DECAY, NOT_NEGATIVE, POSITIVE, Source, Unit

_RELEASED = Source("AuxiNash, released code")
_LEAST = 1e-4
_MAX_NORM = 1.0  # of the gradient in the preferences


class AuxiNashState(NamedTuple):
  """State of AuxiNash.

  Attributes:
    step: i32[], number of updates.
    preference: f32[K], adding up to K.
    optimizer: state of their gradient descent.
    gram: of the last update.
    weights: f32[K], its solution, 0 for tasks without a gradient.
  """

  step: jax.Array
  preference: jax.Array
  optimizer: Tree
  gram: Gram
  weights: jax.Array

  @property
  def statistics(self) -> dict[str, jax.Array]:
    """For logs: the preferences."""
    return {"preference": self.preference}


def auxi_nash(
  num_tasks: int,
  *,
  preference: Preference = (),
  max_norm: Annotated[float, NOT_NEGATIVE, _RELEASED] = 1.0,
  learn_every: Annotated[int, POSITIVE, Unit("updates"), _RELEASED] = 25,
  learning_rate: Annotated[float, POSITIVE, _RELEASED] = 5e-3,
  momentum: Annotated[float, DECAY, _RELEASED] = 0.9,
  terms: Annotated[int, NOT_NEGATIVE, _RELEASED] = 3,
  series_rate: Annotated[float, POSITIVE, _RELEASED] = 1e-4,
) -> GradientBalancer:
  """Return AuxiNash: d = sum_k w_k g_k with w > 0 and g_k.d = p_k / w_k.

  The preferences p are learned from how the weights would change the loss L' of
  the primary tasks on another batch: dL'/dp = dL'/dw dw/dp, with
  dw/dp = (G + diag(p / w^2))^-1 diag(1 / w) and G the Gram matrix. They follow
  -dL'/dp by gradient descent with momentum, and are then scaled to the sum K.
  The decoders' gradients are multiplied by the weights too.

  Args:
    num_tasks: K.
    preference: p at the start, in any unit; () for equal ones.
    max_norm: weights of the shared parameters are scaled down until |d| is at
      most this; 0 for never.
    learn_every: updates from one change of p to the next.
    learning_rate: of p.
    momentum: of p.
    terms: of the series for the inverse Hessian in dL'/dw.
    series_rate: of that series.

  Returns:
    The balancer; needs `influence`, -dL'/dw.

  Source: Shamsian et al., ICML 2023, the generalised bargaining solution and
    its derivative in p; defaults, clipping of dL'/dp to length 1 and of p from
    below to 1e-4 as in the released code for NYUv2.
  Deviations: the equations are solved by Newton's method. Influence is measured
    before the next update, on its batch and an extra one, where the released
    code draws two more batches after the update. p of a task without a gradient
    stays.
  """
  first = preferred(preference or (1.0,) * num_tasks, num_tasks)
  optimizer = optax.chain(
    optax.clip_by_global_norm(_MAX_NORM),
    optax.sgd(learning_rate, momentum=momentum),
  )
  game = _Game(num_tasks, first, max_norm, learn_every, optimizer)
  return from_gramian(
    "auxi_nash",
    num_tasks,
    game.solve,
    init=game.init,
    scopes=("shared_params", "last_shared_layer"),
    weighs_decoders=True,
    of_decoders=lambda state: state.weights,
    influence=Influence(learn_every, terms, series_rate),
  )


@dataclasses.dataclass(frozen=True)
class _Game:
  """The rule with its settings, see `auxi_nash`."""

  num_tasks: int
  first: Callable[[jax.Array, jnp.dtype], jax.Array]
  max_norm: float
  learn_every: int
  optimizer: optax.GradientTransformation

  def init(self) -> AuxiNashState:
    """Return the first state."""
    zeros = jnp.zeros(self.num_tasks)
    every = jnp.ones(self.num_tasks, bool)
    preference = self.num_tasks * self.first(every, zeros.dtype)
    return AuxiNashState(
      jnp.zeros((), jnp.int32),
      preference,
      self.optimizer.init(preference),
      Gram(zeros, zeros[:, None] * zeros),
      zeros,
    )

  def solve(
    self, gram: Gram, context: GradientContext, state: AuxiNashState
  ) -> tuple[jax.Array, AuxiNashState]:
    """Return the weights and the state."""
    due = (state.step > 0) & (state.step % self.learn_every == 0)
    due &= jnp.any(context.influence != 0)
    preference, inner = jax.tree.map(
      lambda new, old: jnp.where(due, new, old),
      self._learned(state, context.influence),
      (state.preference, state.optimizer),
    )
    powers = _among(preference, gram.active).astype(gram.norms.dtype)
    weights = equilibrium(gram, preference=powers)
    after = AuxiNashState(state.step + 1, preference, inner, gram, weights)
    after = jax.tree.map(lambda new, old: new.astype(old.dtype), after, state)
    return limited(weights, gram, self.max_norm), after

  def _learned(
    self, state: AuxiNashState, influence: jax.Array
  ) -> tuple[jax.Array, Tree]:
    """Return the preferences after a step, and the optimiser's state."""
    known = state.weights > 0
    gradient = -_slope(state, jnp.where(known, influence, 0))
    step, inner = self.optimizer.update(
      gradient, state.optimizer, state.preference
    )
    moved = jnp.maximum(state.preference + step, _LEAST)
    moved = jnp.where(known, moved, state.preference)
    return self.num_tasks * moved / jnp.sum(moved), inner


def _among(preference: jax.Array, active: jax.Array) -> jax.Array:
  """Return the preferences of some tasks, adding up to their number."""
  kept = jnp.where(active, preference, 0)
  number = from_weights.count(active)
  return numerics.safe_divide(number * kept, jnp.sum(kept))


def _slope(state: AuxiNashState, influence: jax.Array) -> jax.Array:
  """Return f32[K], influence . dw/dp, 0 for tasks without a gradient.

  dw/dp = diag(w) (diag(w) G diag(w) + diag(p))^-1: numbers of the size of p,
  whatever the lengths of the gradients.
  """
  parts = state.weights * state.gram.norms
  known = state.weights > 0
  powers = _among(state.preference, known)
  own = jnp.where(known, powers, 1)
  matrix = parts[:, None] * parts * state.gram.cosines + jnp.diag(own)
  return jnp.linalg.solve(matrix, influence * state.weights)
