"""Gradient balancers from rules: on K gradients, or on their Gram matrix alone.

Gradients are pytrees whose leaves have a leading axis K. Products are taken in
float32 at least, at the highest precision, of gradients scaled to their own
size, so that gradients of 1e-10 and of 1e15 give the same angles.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing.base import (
  Given,
  GradientBalancer,
  GradientState,
  Scope,
  Tree,
  strong,
)
from jtr_jax.core import errors, numerics, rng

EVERYWHERE: tuple[Scope, ...] = (
  "shared_params",
  "features",
  "last_shared_layer",
)


class Gram(NamedTuple):
  """Lengths of K gradients and the angles between them.

  Attributes:
    norms: f32[K], 0 for tasks that are absent.
    cosines: f32[K, K], with 1 on the diagonal; rows and columns of zero
      gradients are 0, the diagonal included.
  """

  norms: jax.Array
  cosines: jax.Array

  @property
  def active(self) -> jax.Array:
    """bool[K]: the tasks whose gradient is not 0 (never an absent one)."""
    return self.norms > 0

  @property
  def matrix(self) -> jax.Array:
    """f32[K, K]: the inner products of the gradients."""
    return self.norms[:, None] * self.norms * self.cosines

  @property
  def scale(self) -> jax.Array:
    """f32[]: the largest norm, or 1 if all are 0."""
    largest = jnp.max(self.norms)
    return jnp.where(largest > 0, largest, 1)

  @property
  def scaled(self) -> jax.Array:
    """f32[K, K]: inner products of the gradients divided by `scale`."""
    return self._replace(norms=self.norms / self.scale).matrix


Solve: TypeAlias = Callable[[Gram, Given, Tree], tuple[jax.Array, Tree]]
"""(gram, given, state) -> (weights f32[K], state)."""

Rule: TypeAlias = Callable[
  [Tree, Given, Tree], tuple[Tree, jax.Array | None, Tree]
]
"""(gradients f32[K, ...], given, state) -> (direction, weights f32[K], state);
weights are None where the direction is not a weighted sum."""


def gram(gradients: Tree) -> Gram:
  """Return lengths and angles of stacked gradients.

  Args:
    gradients: leaves [K, ...], of any floating type.

  Returns:
    The norms f32[K] and cosines f32[K, K] over all leaves together.
  """
  leaves = [numerics.widen(leaf) for leaf in jax.tree.leaves(gradients)]
  largest = [jnp.max(jnp.abs(x), axis=range(1, x.ndim)) for x in leaves]
  peak = jnp.max(jnp.stack(largest), axis=0)
  scaled = [numerics.safe_divide(x, _rows(peak, x)) for x in leaves]
  products = jnp.sum(jnp.stack([_products(x) for x in scaled]), axis=0)
  squares = [jnp.sum(jnp.square(x), axis=range(1, x.ndim)) for x in scaled]
  lengths = jnp.sqrt(jnp.sum(jnp.stack(squares), axis=0))
  cosines = numerics.safe_divide(products, lengths[:, None] * lengths)
  cosines = jnp.clip(cosines, -1, 1)
  own = jnp.eye(len(peak), dtype=bool)
  cosines = jnp.where(own, jnp.sign(lengths), cosines)
  return Gram(peak * lengths, cosines)


def combine(gradients: Tree, weights: jax.Array) -> Tree:
  """Return sum_k weights_k gradients_k, leaf by leaf.

  Args:
    gradients: leaves [K, ...].
    weights: f32[K].

  Returns:
    Leaves [...], at least float32.
  """
  return jax.tree.map(
    lambda x: jnp.tensordot(
      weights, numerics.widen(x), axes=1, precision=jax.lax.Precision.HIGHEST
    ),
    gradients,
  )


def from_gramian(
  name: str,
  num_tasks: int,
  solve: Solve,
  *,
  init: Callable[[], Tree] = tuple,
) -> GradientBalancer:
  """Return the balancer whose direction is sum_k w_k g_k, w from Gram alone.

  It may act on every scope, on all shared parameters by default, and leaves the
  decoders alone; change that with `_replace`.

  Args:
    name: in configs and logs.
    num_tasks: K.
    solve: (gram, given, state) -> (weights f32[K], state). Weights of absent
      tasks are ignored. Everything is traced: loops are `jax.lax` ones.
    init: () -> the first state of `solve`; leaves keep shape and type.
  """

  def rule(
    gradients: Tree, given: Given, state: Tree
  ) -> tuple[Tree, jax.Array, Tree]:
    with jax.default_matmul_precision("highest"):
      weights, state = solve(gram(gradients), given, state)
    weights = jnp.where(given.present, weights, 0)
    return combine(gradients, weights), weights, state

  balancer = from_gradients(name, num_tasks, rule, init=lambda params: init())
  return balancer._replace(scopes=EVERYWHERE)


def from_gradients(
  name: str,
  num_tasks: int,
  rule: Rule,
  *,
  init: Callable[[Tree], Tree] = lambda params: (),
) -> GradientBalancer:
  """Return the balancer of a rule on whole gradients.

  It may act on shared parameters and features; change traits with `_replace`.

  Args:
    name: in configs and logs.
    num_tasks: K.
    rule: (gradients, given, state) -> (direction, weights or None, state).
      Gradients are float32 or wider, and 0 for absent tasks.
    init: parameters -> the first state of the rule.
  """

  def first(params: Tree) -> GradientState:
    return GradientState(
      jnp.zeros((), jnp.int32), strong(init(params)), jnp.zeros(num_tasks)
    )

  def update(
    updates: Tree, state: GradientState, params: Tree = None, **extra: Any
  ) -> tuple[Tree, GradientState]:
    del params
    _check_stacked(updates, name, num_tasks)
    given = _given(num_tasks, rng.stream(0, name, state.step), **extra)
    masked = _masked(updates, given.present)
    direction, weights, memory = rule(masked, given, state.rule)
    if weights is None:
      weights = jnp.full(num_tasks, jnp.nan)
    direction = jax.tree.map(lambda d, x: d.astype(x.dtype), direction, updates)
    weights = weights.astype(state.weights.dtype)
    memory = strong(memory)
    return direction, GradientState(state.step + 1, memory, weights)

  return GradientBalancer(
    name,
    optax.GradientTransformationExtraArgs(first, update),
    ("shared_params", "features"),
  )


def _given(
  num_tasks: int,
  own_key: jax.Array,
  *,
  present: jax.Array | None = None,
  losses: jax.Array | None = None,
  key: jax.Array | None = None,
  sigma: jax.Array | None = None,
  **unknown: Any,
) -> Given:
  """Return what an update was told, and what stands in for the rest."""
  del unknown  # meant for other transforms of a chain
  present = jnp.ones(num_tasks, bool) if present is None else present
  losses = jnp.ones(num_tasks) if losses is None else losses
  present = jnp.asarray(present, bool)
  return Given(
    present,
    jnp.where(present, losses, 0),
    own_key if key is None else key,
    sigma,
  )


def _masked(gradients: Tree, present: jax.Array) -> Tree:
  """Return the gradients, widened, with 0 for absent tasks."""
  return jax.tree.map(
    lambda x: jnp.where(_rows(present, x), numerics.widen(x), 0), gradients
  )


def _rows(values: jax.Array, like: jax.Array) -> jax.Array:
  """Return [K] as [K, 1, ...], to go with the rows of a stacked array."""
  return values.reshape(-1, *[1] * (like.ndim - 1))


def _products(rows: jax.Array) -> jax.Array:
  """Return f32[K, K], the inner products of the rows of [K, ...]."""
  axes = tuple(range(1, rows.ndim))
  return jnp.tensordot(
    rows, rows, (axes, axes), precision=jax.lax.Precision.HIGHEST
  )


def _check_stacked(gradients: Tree, name: str, num_tasks: int) -> None:
  for leaf in jax.tree.leaves(gradients):
    if leaf.ndim < 1 or leaf.shape[0] != num_tasks:
      raise ValueError(
        errors.message(
          f"The gradients for {name!r} are not stacked",
          found=f"a leaf of shape {leaf.shape}",
          expected=f"a leading axis of {num_tasks} tasks",
          do="Stack the tasks' gradients, as jax.jacrev of the losses does.",
        )
      )
