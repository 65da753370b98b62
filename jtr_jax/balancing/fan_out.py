"""Identity fan-out to K decoders; its VJP aggregates the K gradients.

Whatever the rule, the encoder has one backward pass. Under `jax.jit` with a
sharded batch, norms and products are those of the whole batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import AxisName, Tree
from jtr_jax.balancing.gradient_balancer import GradientBalancer, GradientState
from jtr_jax.balancing.gramian import gram, per_row
from jtr_jax.core import errors, numerics

Tag: TypeAlias = Callable[[jax.Array], jax.Array]
"""Losses f32[K] -> the same losses."""

FanOut: TypeAlias = Callable[..., tuple[tuple[Tree, ...], Tag]]


class FanOutStatistics(NamedTuple):
  """Results of the backward pass; zeros as an input.

  Attributes:
    weights: f32[K], the factors of the gradients.
    norms: f32[K], of the gradients at the features.
    state: the balancer's new state, as floating-point numbers.
  """

  weights: jax.Array
  norms: jax.Array
  state: Tree


def probe(state: GradientState) -> FanOutStatistics:
  """Return the zeros whose gradient is the statistics of the backward pass.

  Args:
    state: of the balancer.
  """
  zeros = jnp.zeros_like(state.weights)
  return FanOutStatistics(
    zeros, zeros, jax.tree.map(jnp.zeros_like, _floating(state))
  )


def next_state(
  state: GradientState, statistics: FanOutStatistics
) -> GradientState:
  """Return the balancer's state after the step.

  Args:
    state: before the step.
    statistics: the gradient of the probe.
  """
  return jax.tree.map(
    lambda new, old: new.astype(old.dtype), statistics.state, state
  )


def make_fan_out(
  balancer: GradientBalancer, num_tasks: int, *, axis_name: AxisName = None
) -> FanOut:
  """Return (features, probe, state, **extra) -> (K copies, tag).

  Forward it is the identity. Backward the balancer aggregates the K gradients
  of the copies, and the gradient of the probe is the `FanOutStatistics`.

  `tag` is the identity of the K losses. With it the backward pass knows the
  losses and their weights in the objective: for a balancer on gradients of
  unweighted losses, such as IAL, it divides by the weights. These balancers,
  and those that need losses, need tagged losses.

  The gradients of the decoders are those of the objective. For a balancer that
  weighs decoders, multiply them by its `decoder_weights` of the new state.

  Args:
    balancer: one that acts on features.
    num_tasks: K.
    axis_name: inside `jax.shard_map`, the axis over which the features are
      sharded (each device has those of its own images).

  Returns:
    A function; `extra` is what `GradientBalancer.update` takes, but the losses:
    `present`, `key`, `sigma`.

  Raises:
    ValueError: the balancer needs gradients of parameters.

  Example:
    >>> fan = make_fan_out(balancing.ial(2), 2)
    >>> def objective(params, probe, state):
    ...   z = encode(params["encoder"])
    ...   copies, tag = fan(z, probe, state, sigma=jnp.exp(params["log_sigma"]))
    ...   return weigh(params["log_sigma"], tag(losses(params, copies)))
    >>> gradients, seen = jax.grad(objective, (0, 1))(
    ...   params, probe(state), state
    ... )
    >>> state = next_state(state, seen)
  """
  if "features" not in balancer.scopes:
    raise ValueError(
      errors.message(
        f"{balancer.name!r} cannot act on features",
        found="a fan-out of features",
        expected="gradients of " + " or ".join(balancer.scopes),
        do="Compute these, or choose another balancer.",
      )
    )

  return lambda features, probe, state, **extra: _fan_out(
    balancer, num_tasks, axis_name, features, probe, state, extra
  )


def _fan_out(
  balancer: GradientBalancer,
  num_tasks: int,
  axis_name: AxisName,
  features: Tree,
  probe: FanOutStatistics,
  state: GradientState,
  extra: dict[str, Any],
) -> tuple[tuple[Tree, ...], Tag]:
  """Return K copies of the features and the identity of the losses."""
  tagged: list[bool] = []  # filled while the forward pass is traced

  def split(features: Tree, *_: Any) -> tuple[tuple[Tree, ...], jax.Array]:
    return (features,) * num_tasks, jnp.zeros((2, num_tasks))

  def backward(known: Any, cotangents: Any) -> Any:
    copies, token = cotangents
    return (
      *_aggregate(balancer, axis_name, copies, token, bool(tagged), *known),
      None,
    )

  split_with_vjp = jax.custom_vjp(split)
  split_with_vjp.defvjp(lambda *x: (split(*x), x[2]), backward)
  copies, token = split_with_vjp(features, probe, (state, extra))

  def tag(losses: jax.Array) -> jax.Array:
    tagged.append(True)
    return _tag(losses, token)

  return copies, tag


def _aggregate(
  balancer: GradientBalancer,
  axis_name: AxisName,
  copies: tuple[Tree, ...],
  token: jax.Array,
  tagged: bool,
  state: GradientState,
  extra: dict[str, Any],
) -> tuple[Tree, FanOutStatistics]:
  """Return the gradient of the features and the statistics.

  Args:
    balancer: the rule.
    axis_name: over which the features are sharded.
    copies: gradients of the K copies.
    token: f32[2, K], weights and values of tagged losses.
    tagged: whether there are any.
    state: of the balancer.
    extra: arguments of its update.
  """
  if not tagged and (balancer.unweighted or balancer.needs_losses):
    raise _untagged(balancer)
  weights, losses = token
  rows = jax.tree.map(lambda *x: jnp.stack(x), *copies)
  if balancer.unweighted:
    rows = _divided(rows, weights)
  if tagged:
    extra = {**extra, "losses": losses}
  direction, after = balancer.update(rows, state, axis_name=axis_name, **extra)
  return direction, FanOutStatistics(
    after.weights, gram(rows, axis_name).norms, _floating(after)
  )


@jax.custom_vjp
def _tag(losses: jax.Array, token: jax.Array) -> jax.Array:
  """Return the losses; the token's gradient is their weights and themselves."""
  del token
  return losses


def _tag_forward(
  losses: jax.Array, token: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
  return losses, (losses, token)


def _tag_backward(
  known: tuple[jax.Array, jax.Array], weights: jax.Array
) -> tuple[jax.Array, jax.Array]:
  losses, token = known
  return weights, jnp.stack([weights, losses]).astype(token.dtype)


_tag.defvjp(_tag_forward, _tag_backward)


def _divided(rows: Tree, weights: jax.Array) -> Tree:
  """Return every row divided by its weight, 0 where that is 0."""
  return jax.tree.map(
    lambda x: numerics.safe_divide(
      numerics.widen(x), per_row(weights, x)
    ).astype(x.dtype),
    rows,
  )


def _floating(state: GradientState) -> Tree:
  """Return the state with integers as floating-point numbers."""
  return jax.tree.map(
    lambda x: x.astype(jnp.promote_types(x.dtype, jnp.result_type(float))),
    state,
  )


def _untagged(balancer: GradientBalancer) -> ValueError:
  """Return the error of a balancer that knows nothing of the losses."""
  need = "losses" if balancer.needs_losses else "gradients of unweighted losses"
  return ValueError(
    errors.message(
      f"{balancer.name!r} needs {need}, and the losses are not tagged",
      found="copies, tag = fan_out(...) without a call of `tag`",
      expected="objective(tag(losses))",
      do="Apply `tag` to the K losses before they are weighted.",
    )
  )
