"""An identity that hands features to K decoders and balances the way back.

Whatever the rule, the encoder has one backward pass. Under `jax.jit` with a
sharded batch norms and products are those of the whole batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import GradientBalancer, GradientState, Tree
from jtr_jax.balancing.from_gramian import gram
from jtr_jax.core import errors

FanOut: TypeAlias = Callable[..., tuple[Tree, ...]]


class FanStatistics(NamedTuple):
  """What the backward pass saw; as an input all zeros.

  Attributes:
    weights: f32[K], what the rule multiplied the gradients by.
    norms: f32[K], of the gradients at the features.
  """

  weights: jax.Array
  norms: jax.Array


def probe(num_tasks: int) -> FanStatistics:
  """Return the zeros whose gradient is the statistics of the way back."""
  return FanStatistics(jnp.zeros(num_tasks), jnp.zeros(num_tasks))


def make_fan_out(balancer: GradientBalancer, num_tasks: int) -> FanOut:
  """Return (features, probe, state=None, **extra) -> K copies of the features.

  Forward it is the identity. Backward the K gradients that come back to the
  copies become one by the rule of the balancer, and the gradient of `probe` is
  `FanStatistics` of it. `extra` is what `GradientBalancer.update` takes:
  `present`, `losses`, `key`, `sigma`; nothing goes back to it. The state is
  read and not changed; None for the first one.

  Args:
    balancer: one that acts on features.
    num_tasks: K.

  Raises:
    ValueError: the balancer needs whole gradients of parameters.
  """
  if "features" not in balancer.scopes:
    raise ValueError(
      errors.message(
        f"{balancer.name!r} cannot act on features",
        found="balancing.scope='features'",
        expected="one of " + ", ".join(balancer.scopes),
        do="Take another scope or another balancer.",
      )
    )

  @jax.custom_vjp
  def fan_out(features: Tree, probe: FanStatistics, known: Any) -> Any:
    return (features,) * num_tasks

  def forward(features: Tree, probe: FanStatistics, known: Any) -> Any:
    return (features,) * num_tasks, known

  def backward(known: Any, cotangents: tuple[Tree, ...]) -> Any:
    state, extra = known
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *cotangents)
    direction, after = balancer.update(stacked, state, **extra)
    statistics = FanStatistics(after.weights, gram(stacked).norms)
    return direction, statistics, None

  fan_out.defvjp(forward, backward)

  def call(
    features: Tree,
    probe: FanStatistics,
    state: GradientState | None = None,
    **extra: Any,
  ) -> tuple[Tree, ...]:
    if state is None:
      state = balancer.init(features)
    return fan_out(features, probe, (state, extra))

  return call
