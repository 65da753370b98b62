"""Nash-MTL: the Nash bargaining solution between tasks."""

from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing.from_gramian import from_gramian
from jtr_jax.balancing.gradient_balancer import (
  GradientBalancer,
  GradientContext,
)
from jtr_jax.balancing.gramian import Gram
from jtr_jax.balancing.solvers.alpha_fair import equilibrium
from jtr_jax.core import errors
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Source, Unit

_RELEASED = Source("Nash-MTL, released code")


class NashState(NamedTuple):
  """State of Nash-MTL.

  Attributes:
    step: i32[], number of updates.
    weights: f32[K], the last solution, 1 at first.
  """

  step: jax.Array
  weights: jax.Array


def nash_mtl(
  num_tasks: int,
  *,
  max_norm: Annotated[float, NOT_NEGATIVE, _RELEASED] = 1.0,
  update_every: Annotated[int, POSITIVE, Unit("updates"), _RELEASED] = 1,
  variant: Literal["paper", "official"] = "paper",
) -> GradientBalancer:
  """Return Nash-MTL: d = sum_k w_k g_k with w > 0 and g_k.d = 1 / w_k.

  The length of d is then the root of the number of tasks. The decoders'
  gradients are multiplied by the weights too, as in the released code, which
  limits the norm of the shared gradient alone.

  Args:
    num_tasks: K.
    max_norm: weights of the shared parameters are scaled down until |d| is at
      most this; 0 for never.
    update_every: updates from one solution to the next; between them the
      weights stay (those of absent tasks are 0 meanwhile).
    variant: "official" solves nothing while the gradient of a present task is
      0, as its solver fails then: the last weights stay, 1 at first. "paper"
      leaves such tasks out.

  Raises:
    ValueError: `update_every` is not positive or the variant unknown.

  Source: Navon et al., ICML 2022, equation 1; defaults of the released code.
  Deviations: the equations are solved by Newton's method, as the stationarity
    of sum_k log w_k - |d|^2 / 2, in place of conic programs, whose solver does
    not see gradients 1e4 times shorter than the longest.
  """
  _check(update_every, variant)

  def solve(
    gram: Gram, context: GradientContext, state: NashState
  ) -> tuple[jax.Array, NashState]:
    solvable = jnp.any(gram.active)
    if variant == "official":
      solvable &= jnp.all(gram.active == context.present)
    solvable &= state.step % update_every == 0
    weights = jnp.where(solvable, equilibrium(gram), state.weights)
    weights = weights.astype(state.weights.dtype)
    # A task that was left out keeps its last weight.
    kept = jnp.where(weights > 0, weights, state.weights)
    weights = jnp.where(context.present, weights, 0).astype(gram.norms.dtype)
    return limited(weights, gram, max_norm), NashState(state.step + 1, kept)

  return from_gramian(
    "nash_mtl",
    num_tasks,
    solve,
    init=lambda: NashState(jnp.zeros((), jnp.int32), jnp.ones(num_tasks)),
    weighs_decoders=True,
    of_decoders=lambda state: state.weights,
  )


def _check(update_every: int, variant: str) -> None:
  """Raise for settings without a meaning."""
  if update_every < 1 or variant not in ("paper", "official"):
    raise ValueError(
      errors.message(
        "Nash-MTL cannot be set up so",
        found=f"update_every={update_every}, variant={variant!r}",
        expected="update_every of at least 1, variant 'paper' or 'official'",
        do="Change the arguments.",
      )
    )


def limited(weights: jax.Array, gram: Gram, max_norm: float) -> jax.Array:
  """Return the weights, scaled down if the direction is too long.

  Args:
    weights: f32[K], not negative.
    gram: of the gradients.
    max_norm: length of the direction; 0 for no limit.

  Returns:
    f32[K].
  """
  if max_norm <= 0:
    return weights
  parts = weights * gram.norms
  largest = jnp.maximum(jnp.max(parts), jnp.finfo(parts.dtype).tiny)
  unit = parts / largest
  square = jnp.maximum(unit @ gram.cosines @ unit, 0)
  norm = largest * jnp.sqrt(square)
  return jnp.where(
    norm > max_norm, weights * max_norm / jnp.where(norm > 0, norm, 1), weights
  )
