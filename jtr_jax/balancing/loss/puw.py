"""PUW-like: a particle filter over task weights."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.loss_balancer import LossBalancer, Need, Observation
from jtr_jax.core import numerics, rng
from jtr_jax.core.fields import NOT_NEGATIVE, POSITIVE, Unit


class ParticleState(NamedTuple):
  """State of PUW.

  Attributes:
    logits: f32[M, K], logarithms of candidate weights.
    belief: f32[M], their probabilities.
  """

  logits: jax.Array
  belief: jax.Array


def puw(
  num_tasks: int,
  *,
  period: int,
  particles: Annotated[int, POSITIVE] = 8,
  warm_up: Annotated[int, NOT_NEGATIVE, Unit("epochs")] = 1,
  drift: Annotated[float, POSITIVE] = 0.1,
  temperature: Annotated[float, POSITIVE] = 0.1,
) -> LossBalancer:
  """Return particle-filter weighting, PUW-like.

  Once an epoch every candidate rho drifts and is scored by the first-order
  relative change of the losses after a step along sum_j rho_j g_j,
  -(G rho)_k / L_k with G the tasks' inner products. Its probability is
  multiplied by exp(-(mean + spread over tasks) / T); candidates are resampled
  when few of them are likely.

  Args:
    num_tasks: K.
    period: steps of an epoch.
    particles: M.
    warm_up: epochs of weights 1.
    drift: standard deviation of a candidate's logarithms in a round.
    temperature: T, of changes scaled to at most 1.

  Source: Aghajanzadeh et al., Pattern Recognition 140, 2023, known from its
    abstract: an approximation. The first-order change takes the place of a
    trial step, and its spread over the tasks that of the model's uncertainty.
  """

  def init() -> ParticleState:
    equal = jnp.full(particles, 1 / particles)
    return ParticleState(jnp.zeros((particles, num_tasks)), equal)

  def observe(state: ParticleState, seen: Observation) -> ParticleState:
    key = rng.stream(0, "puw", seen.step)
    drift_key = rng.stream(key, "drift")
    drifts = from_weights.draw_per_task(drift_key, num_tasks, (particles,))
    logits = state.logits + drift * drifts.T
    score = jax.vmap(_score, (0, None))(logits, seen)
    belief = jax.nn.softmax(jnp.log(state.belief) - score / temperature)
    new = _resampled(logits, belief, rng.stream(key, "draw"))
    due = ((seen.step + 1) % period == 0) & (seen.step // period >= warm_up)
    return jax.tree.map(lambda a, b: jnp.where(due, a, b), new, state)

  return from_weights.from_weights(
    "puw",
    _weigh,
    init=init,
    observe=observe,
    needs=Need.SHARED_GRADS,
    scopes=("shared_params",),
  )


def _weigh(
  state: ParticleState, losses: jax.Array, present: jax.Array, key: jax.Array
) -> jax.Array:
  """Return f32[K], the mean of the candidates; the weights sum to K."""
  del losses, key
  softmax = jax.vmap(from_weights.softmax, (0, None))
  number = from_weights.count(present)
  return (number * state.belief) @ softmax(state.logits, present)


def _score(logits: jax.Array, seen: Observation) -> jax.Array:
  """Return f32[], mean plus spread of the relative changes: low is good."""
  weights = from_weights.softmax(logits, seen.present)
  lengths = numerics.safe_divide(seen.norms, jnp.max(seen.norms))
  products = lengths[:, None] * lengths * seen.cosines
  relative = numerics.safe_divide(seen.losses, jnp.max(seen.losses))
  change = -numerics.safe_divide(products @ weights, relative)
  change = numerics.safe_divide(change, jnp.max(jnp.abs(change)))
  mean = from_weights.mean_of_present(change, seen.present)
  spread = from_weights.mean_of_present(jnp.square(change - mean), seen.present)
  return mean + jnp.sqrt(spread)


def _resampled(
  logits: jax.Array, belief: jax.Array, key: jax.Array
) -> ParticleState:
  """Return M equally likely particles if few of the old ones are likely."""
  number = len(belief)
  places = (jnp.arange(number) + jax.random.uniform(key)) / number
  chosen = jnp.searchsorted(jnp.cumsum(belief), places).clip(0, number - 1)
  few = 1 / jnp.sum(jnp.square(belief)) < number / 2
  return ParticleState(
    jnp.where(few, logits[chosen], logits),
    jnp.where(few, 1 / number, belief),
  )
