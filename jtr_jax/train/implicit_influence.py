"""How weights of task gradients influence the primary losses, implicitly."""

import jax
import jax.numpy as jnp
import optax

from jtr_jax.balancing.gradient_balancer import GradientState, Influence
from jtr_jax.train.gradients import forward_losses
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.step_parts import Batch, Program, weigh


def measure(
  program: Program, state: TrainState, batch: Batch, extra: Batch
) -> jax.Array:
  """Return by how much the primary losses fall per unit of each weight.

  At a minimum of the weighted losses of a batch in the shared parameters, their
  derivative in the weights follows from the implicit function theorem, with the
  inverse of the Hessian as a truncated series; see
  `gradient_balancer.Influence`, which says how often.

  Args:
    program: network, method and balancing; `balancing.look_ahead` says the
      primary tasks.
    state: before the step, with the last weights.
    batch: of the step, for the weighted losses.
    extra: another batch, for the primary losses.

  Returns:
    f32[K], 0 for tasks without a label in the batch; all 0 between two
    measurements, and without a primary label in the extra batch.

  Source: Lorraine, Vicol and Duvenaud, AISTATS 2020, algorithm 3; Shamsian et
    al., ICML 2023, with its released code (`implicit_diff`).
  Deviations: batch statistics of these passes are discarded; regularisers of a
    method take no part.
  """
  last = state.balancing.gradient
  assert isinstance(last, GradientState)  # there is a gradient balancer
  due = (last.step > 0) & (last.step % _how(program).every == 0)
  return jax.lax.cond(
    due,
    lambda: _measured(program, state, batch, extra, last.weights),
    lambda: jnp.zeros_like(last.weights),
  )


def _how(program: Program) -> Influence:
  """Return how the gradient balancer wants it to be measured."""
  balancer = program.balancing.gradient
  if balancer is None or balancer.influence is None:
    raise ValueError("no gradient balancer that learns from its influence")
  return balancer.influence


def _measured(
  program: Program,
  state: TrainState,
  batch: Batch,
  extra: Batch,
  last: jax.Array,
) -> jax.Array:
  """Return the influence of the last weights on the primary losses."""
  how, settings = _how(program), program.balancing.look_ahead
  if settings is None:
    raise ValueError("nothing says which tasks are primary")
  encoder = state.params["encoder"]

  def losses(encoder: Tree, seen: Batch) -> jax.Array:
    params = {**state.params, "encoder": encoder}
    values, present, *_ = forward_losses(program, state, params, seen)
    found = weigh(program, state, state.params, values, present, seen)
    return jax.lax.stop_gradient(found.shared_weights) * found.values

  def slope(encoder: Tree, weights: jax.Array, along: Tree) -> jax.Array:
    gradient = jax.grad(lambda p: weights @ losses(p, batch))(encoder)
    return optax.tree.vdot(gradient, along)

  primary = jnp.array(settings.primary)
  held_out = jax.grad(lambda p: jnp.sum(losses(p, extra)[primary]))(encoder)

  def add_term(_: int, loop: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
    term, total = loop
    product = jax.grad(slope)(encoder, last, term)
    term = optax.tree.add_scale(term, -how.rate, product)
    return term, optax.tree.add(total, term)

  _, total = jax.lax.fori_loop(0, how.terms, add_term, (held_out, held_out))
  return jax.grad(slope, argnums=1)(encoder, last, total)
