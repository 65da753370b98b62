"""OL-AUX: auxiliary weights that follow the products of gradients."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.loss_balancer import LossBalancer, Need, Observation
from jtr_jax.core import numerics
from jtr_jax.core.fields import POSITIVE, Unit


class OlAuxState(NamedTuple):
  """State of OL-AUX.

  Attributes:
    weights: f32[K], 1 for the primary task.
    gain: f32[K], sum of inner products since the last change.
    terms: i32[K], their number.
  """

  weights: jax.Array
  gain: jax.Array
  terms: jax.Array


def ol_aux(
  num_tasks: int,
  *,
  primary: int = 0,
  horizon: Annotated[int, POSITIVE, Unit("updates")] = 5,
  step_size: Annotated[float, POSITIVE] = 1e-4,
  initial: float = 1.0,
  positive: bool = False,
) -> LossBalancer:
  """Return log L_pri + sum_t w_t log L_t, w following the primary's gain.

  A step along log L_t changes log L_pri by -a <grad log L_pri, grad log L_t>;
  every N steps w_t grows by beta a times the sum of these products.

  Args:
    num_tasks: K.
    primary: index of the primary task.
    horizon: N.
    step_size: beta a, a being the network's learning rate.
    initial: w at the start.
    positive: use max(w, 0), as an older code of the first author of IAL can.

  Source: Lin et al., NeurIPS 2019, Algorithm 1; N and beta as in community
    code, the paper's own are not known here.
  """

  def weigh(
    state: OlAuxState, losses: jax.Array, present: jax.Array, key: jax.Array
  ) -> jax.Array:
    del losses, present, key
    return jnp.maximum(state.weights, 0) if positive else state.weights

  def observe(state: OlAuxState, seen: Observation) -> OlAuxState:
    lengths = numerics.safe_divide(seen.norms, seen.losses)
    products = lengths * lengths[primary] * seen.cosines[primary]
    counts = seen.present & seen.present[primary]
    gain = state.gain + jnp.where(counts, products, 0)
    terms = state.terms + counts
    due = terms >= horizon
    grown = state.weights + jnp.where(due, step_size * gain, 0)
    return OlAuxState(
      grown.at[primary].set(1),
      jnp.where(due, 0, gain),
      jnp.where(due, 0, terms),
    )

  return from_weights.from_weights(
    "ol_aux",
    weigh,
    init=lambda: _init(num_tasks, primary, initial),
    observe=observe,
    needs=Need.SHARED_GRADS,
    scopes=("shared_params",),
    mean="logarithmic",
  )


def _init(num_tasks: int, primary: int, initial: float) -> OlAuxState:
  """Return the weights at the start and empty sums."""
  weights = jnp.full(num_tasks, initial).at[primary].set(1)
  return OlAuxState(
    weights, jnp.zeros(num_tasks), jnp.zeros(num_tasks, jnp.int32)
  )
