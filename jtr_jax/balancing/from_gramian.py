"""Gradient balancers from rules on K gradients, or on their Gram matrix alone.

Gradients are pytrees whose leaves have a leading axis K. Products are taken in
float32 at least, at the highest precision, of gradients scaled to their own
size, so that gradients of 1e-10 and of 1e15 give the same angles.
"""

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import (
  GradientBalancer,
  GradientContext,
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


ARGUMENTS = ("present", "losses", "key", "sigma")
"""Extra arguments of `update` that balancers take; see `GradientBalancer`."""

_REMEDIES = {
  "losses": "Pass the tasks' losses of the batch, before any weighting.",
  "sigma": "Weight the losses by 'uw', or pass the tasks' uncertainties.",
}


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


Solve: TypeAlias = Callable[
  [Gram, GradientContext, Tree], tuple[jax.Array, Tree]
]
"""(gram, context, state) -> (weights f32[K], state)."""

Rule: TypeAlias = Callable[
  [Tree, GradientContext, Tree], tuple[Tree, jax.Array | None, Tree]
]
"""(gradients f32[K, ...], context, state) -> (direction, weights f32[K],
state); weights are None where the direction is not a weighted sum."""


def gram(gradients: Tree) -> Gram:
  """Return lengths and angles of stacked gradients.

  Each leaf is scaled by the tasks' largest entries and reduced to its inner
  products at once: of the gradients there is one float32 copy.

  Args:
    gradients: leaves [K, ...], of any floating type.

  Returns:
    The norms f32[K] and cosines f32[K, K] over all leaves together.
  """
  leaves = jax.tree.leaves(gradients)
  largest = [jnp.max(jnp.abs(x), axis=range(1, x.ndim)) for x in leaves]
  peak = jnp.max(numerics.widen(jnp.stack(largest)), axis=0)
  parts = [_products(x, peak) for x in leaves]
  products, squares = (
    jnp.sum(jnp.stack(part), axis=0) for part in zip(*parts, strict=True)
  )
  lengths = jnp.sqrt(squares)
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
  scopes: tuple[Scope, ...] = EVERYWHERE,
  **traits: bool,
) -> GradientBalancer:
  """Return the balancer with direction sum_k w_k g_k, w from the Gram matrix.

  Args:
    name: in configs and logs.
    num_tasks: K.
    solve: (gram, context, state) -> (weights f32[K], state). Weights of absent
      tasks are ignored. Everything is traced: loops are `jax.lax` ones.
    init: () -> the first state of `solve`; leaves keep shape and type.
    scopes: see `GradientBalancer`; by default all, shared parameters first.
    **traits: of `GradientBalancer`, such as `needs_losses=True`.
  """

  def rule(
    gradients: Tree, context: GradientContext, state: Tree
  ) -> tuple[Tree, jax.Array, Tree]:
    with jax.default_matmul_precision("highest"):
      weights, state = solve(gram(gradients), context, state)
    weights = jnp.where(context.present, weights, 0)
    return combine(gradients, weights), weights, state

  return from_gradients(
    name,
    num_tasks,
    rule,
    init=lambda params: init(),
    scopes=scopes,
    **traits,
  )


def from_gradients(
  name: str,
  num_tasks: int,
  rule: Rule,
  *,
  init: Callable[[Tree], Tree] = lambda params: (),
  scopes: tuple[Scope, ...] = ("shared_params", "features"),
  **traits: bool,
) -> GradientBalancer:
  """Return the balancer of a rule on whole gradients.

  Args:
    name: in configs and logs.
    num_tasks: K.
    rule: (gradients, context, state) -> (direction, weights or None, state).
      Gradients are float32 or wider, and 0 for absent tasks.
    init: parameters -> the first state of the rule.
    scopes: see `GradientBalancer`.
    **traits: of `GradientBalancer`, such as `needs_losses=True`.
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
    _check_arguments(balancer, extra)
    context = _context(num_tasks, rng.stream(0, name, state.step), **extra)
    masked = _masked(updates, context.present)
    direction, weights, inner = rule(masked, context, state.rule)
    if weights is None:
      weights = jnp.full(num_tasks, jnp.nan)
    direction = jax.tree.map(lambda d, x: d.astype(x.dtype), direction, updates)
    weights = weights.astype(state.weights.dtype)
    return direction, GradientState(state.step + 1, strong(inner), weights)

  balancer = GradientBalancer(first, update, name=name, scopes=scopes, **traits)
  return balancer


def _context(
  num_tasks: int,
  own_key: jax.Array,
  *,
  present: jax.Array | None = None,
  losses: jax.Array | None = None,
  key: jax.Array | None = None,
  sigma: jax.Array | None = None,
  **others: Any,
) -> GradientContext:
  """Return the arguments of an update, with defaults."""
  del others  # those of other transformations of a chain
  present = jnp.ones(num_tasks, bool) if present is None else present
  present = jnp.asarray(present, bool)
  if losses is not None:
    losses = jnp.where(present, losses, 0)
  return GradientContext(
    present, losses, own_key if key is None else key, sigma
  )


def _check_arguments(balancer: GradientBalancer, extra: dict[str, Any]) -> None:
  """Raise for a misspelled argument or one that is needed and missing."""
  for name in extra:
    near = difflib.get_close_matches(name, ARGUMENTS, n=1, cutoff=0.75)
    if near and name not in ARGUMENTS:
      raise errors.unknown_name("argument of `update`", name, ARGUMENTS)
  needed = {"losses": balancer.needs_losses, "sigma": balancer.needs_sigma}
  for name, is_needed in needed.items():
    if is_needed and extra.get(name) is None:
      raise ValueError(
        errors.message(
          f"{balancer.name!r} needs the argument `{name}` of `update`",
          found=f"no {name}",
          expected=f"{name}=f32[K]",
          do=_REMEDIES[name],
        )
      )


def _masked(gradients: Tree, present: jax.Array) -> Tree:
  """Return the gradients, widened, with 0 for absent tasks."""
  return jax.tree.map(
    lambda x: jnp.where(per_row(present, x), numerics.widen(x), 0), gradients
  )


def per_row(values: jax.Array, like: jax.Array) -> jax.Array:
  """Return [K] as [K, 1, ...], which broadcasts against a stacked array."""
  return values.reshape(-1, *[1] * (like.ndim - 1))


def _products(leaf: jax.Array, peak: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Return inner products f32[K, K] and squares f32[K] of [K, ...] / peak."""
  rows = leaf.reshape(len(leaf), -1)
  rows = numerics.safe_divide(numerics.widen(rows), peak[:, None])
  products = jnp.tensordot(
    rows, rows, ((1,), (1,)), precision=jax.lax.Precision.HIGHEST
  )
  # Without the barrier XLA sums in another order, or makes a second copy.
  entries = jax.lax.optimization_barrier(rows.reshape(leaf.shape))
  squares = jnp.sum(jnp.square(entries), axis=range(1, leaf.ndim))
  return products, squares


def _check_stacked(gradients: Tree, name: str, num_tasks: int) -> None:
  """Raise for gradients without a leading axis of K."""
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
