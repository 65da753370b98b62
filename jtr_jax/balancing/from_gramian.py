"""Gradient balancers from rules on K gradients, or on their Gram matrix alone.

Most rules are a function of lengths and angles (`from_gramian`); the others get
the gradients themselves, leaves with a leading axis K (`from_gradients`).
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import chex
import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Scope, Tree, strong
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
  GradientState,
)
from jtr_jax.balancing.gramian import Gram, combine, gram, per_row
from jtr_jax.core import errors, numerics, rng

EVERYWHERE: tuple[Scope, ...] = (
  "shared_params",
  "features",
  "last_shared_layer",
)

ARGUMENTS = (
  "present",
  "losses",
  "key",
  "sigma",
  "axis_name",
  "second",
  "second_present",
  "influence",
)
"""Extra arguments of `update` that balancers take; see `GradientBalancer`."""

_REMEDIES = {
  "losses": "Pass the tasks' losses of the batch, before any weighting.",
  "sigma": "Weight the losses by 'uw', or pass the tasks' uncertainties.",
  "second": "Pass the K gradients of a second, independently drawn batch.",
  "influence": "See help(jtr_jax.balancing.gradient_balancer.Influence).",
}

Solve: TypeAlias = Callable[
  [Gram, GradientContext, Tree], tuple[jax.Array, Tree]
]
"""(gram, context, state) -> (weights f32[K], state)."""

Rule: TypeAlias = Callable[
  [Tree, GradientContext, Tree], tuple[Tree, jax.Array | None, Tree]
]
"""(gradients f32[K, ...], context, state) -> (direction, weights f32[K],
state); weights are None where the direction is not a weighted sum."""


def from_gramian(
  name: str,
  num_tasks: int,
  solve: Solve,
  *,
  init: Callable[[], Tree] = tuple,
  scopes: tuple[Scope, ...] = EVERYWHERE,
  **traits: Any,
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

  def solved(
    angles: Gram, context: GradientContext, state: Tree
  ) -> tuple[jax.Array, Tree]:
    with jax.default_matmul_precision("highest"):
      weights, state = solve(angles, context, state)
    return jnp.where(context.present, weights, 0), state

  def rule(
    gradients: Tree, context: GradientContext, state: Tree
  ) -> tuple[Tree, jax.Array, Tree]:
    angles = gram(gradients, context.axis_name)
    weights, state = solved(angles, context, state)
    return combine(gradients, weights), weights, state

  def weigh_gram(
    products: Gram | jax.Array, state: GradientState, **extra: Any
  ) -> tuple[jax.Array, GradientState]:
    _check_arguments(balancer, extra)
    context = _context(balancer, num_tasks, state, extra)
    if not isinstance(products, Gram):
      chex.assert_shape(products, (num_tasks, num_tasks))
      products = Gram.from_matrix(products)
    masked = products.masked(context.present)
    weights, inner = solved(masked, context, state.rule)
    return weights, _advance(state, inner, weights)

  balancer = from_gradients(
    name,
    num_tasks,
    rule,
    init=lambda params: init(),
    scopes=scopes,
    **traits,
  )._replace(weigh_gram=weigh_gram)
  return balancer


def from_gradients(
  name: str,
  num_tasks: int,
  rule: Rule,
  *,
  init: Callable[[Tree], Tree] = lambda params: (),
  scopes: tuple[Scope, ...] = ("shared_params", "features"),
  **traits: Any,
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
    context = _context(balancer, num_tasks, state, extra)
    masked = _masked(updates, context.present)
    direction, weights, inner = rule(masked, context, state.rule)
    if weights is None:
      weights = jnp.full(num_tasks, jnp.nan)
    direction = jax.tree.map(lambda d, x: d.astype(x.dtype), direction, updates)
    return direction, _advance(state, inner, weights)

  balancer = GradientBalancer(first, update, name=name, scopes=scopes, **traits)
  return balancer


def _advance(
  state: GradientState, rule: Tree, weights: jax.Array
) -> GradientState:
  """Return the state after an update."""
  weights = weights.astype(state.weights.dtype)
  return GradientState(state.step + 1, strong(rule), weights)


def _context(
  balancer: GradientBalancer,
  num_tasks: int,
  state: GradientState,
  extra: Mapping[str, Any],
) -> GradientContext:
  """Return the arguments of an update, with defaults."""
  everything = jnp.ones(num_tasks, bool)
  present, second_present = (
    everything if given is None else jnp.asarray(given, bool)
    for given in (extra.get("present"), extra.get("second_present"))
  )
  losses = extra.get("losses")
  if losses is not None:
    losses = jnp.where(present, losses, 0)
  key = extra.get("key")
  if key is None:
    key = rng.stream(0, balancer.name, state.step)
  second = extra.get("second")
  if second is not None:
    _check_stacked(second, balancer.name, num_tasks)
    second = _masked(second, present & second_present)
  return GradientContext(
    present,
    losses,
    key,
    extra.get("sigma"),
    extra.get("axis_name"),
    second,
    second_present,
    extra.get("influence"),
  )


def _check_arguments(balancer: GradientBalancer, extra: dict[str, Any]) -> None:
  """Raise for a misspelled argument or one that is needed and missing."""
  for name in extra:
    near = difflib.get_close_matches(name, ARGUMENTS, n=1, cutoff=0.75)
    if near and name not in ARGUMENTS:
      raise errors.unknown_name("argument of `update`", name, ARGUMENTS)
  needed = {
    "losses": balancer.needs_losses,
    "sigma": balancer.needs_sigma,
    "second": balancer.needs_second,
    "influence": balancer.influence is not None,
  }
  for name, is_needed in needed.items():
    if is_needed and extra.get(name) is None:
      shape = "f32[K, ...]" if name == "second" else "f32[K]"
      raise ValueError(
        errors.message(
          f"{balancer.name!r} needs the argument `{name}` of `update`",
          found=f"no {name}",
          expected=f"{name}={shape}",
          do=_REMEDIES[name],
        )
      )


def _masked(gradients: Tree, present: jax.Array) -> Tree:
  """Return the gradients, widened, with 0 for absent tasks."""
  return jax.tree.map(
    lambda x: jnp.where(per_row(present, x), numerics.widen(x), 0), gradients
  )


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
