"""Optimisers with the papers' schedules."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax

from jtr_jax.methods.base import MAIN
from jtr_jax.models.multitask import decoder_name
from jtr_jax.train.state import Tree
from jtr_jax.train.task_weighting import BALANCER


def adam(
  *, learning_rate: float, decay_rate: float, decay_steps: int
) -> optax.GradientTransformation:
  """Return Adam whose learning rate falls in steps.

  Args:
    learning_rate: at the start; 1e-4 in the papers.
    decay_rate: factor of every fall; 0.5 in the papers.
    decay_steps: updates from one fall to the next.

  Returns:
    The transformation, betas 0.9 and 0.999, epsilon 1e-8.

  Source: released train_nyuv2.py: torch Adam and StepLR, nothing clipped.
  """
  return optax.adam(staircase(learning_rate, decay_rate, decay_steps))


def clip_networks(max_norm: float) -> optax.GradientTransformation:
  """Return a clip of the gradient's norm, of each network by itself.

  The stages of the model, "encoder" and "decoder_<task>", count as one network
  and everything else, such as a method's auto-encoder, as one each. A large
  gradient of one does not shrink the step of another.

  Args:
    max_norm: Euclidean norm from which on a gradient is scaled down to it.
  """
  clip = optax.clip_by_global_norm(max_norm)

  def clipped(gradients: Tree) -> Tree:
    return clip.update(gradients, optax.EmptyState())[0]

  def update(gradients: Tree, params: Tree | None) -> Tree:
    del params
    model = {n: g for n, g in gradients.items() if _is_stage(n)}
    others = {n: clipped(g) for n, g in gradients.items() if n not in model}
    return clipped(model) | others

  return optax.stateless(update)


def grouped(
  groups: Mapping[str, optax.GradientTransformation],
  own_groups: Callable[[Tree], Tree],
) -> optax.GradientTransformation:
  """Return one transformation in which a method's parameters may stand apart.

  Args:
    groups: for each group its transformation, `MAIN` among them; `BALANCER` is
      what loss balancers learn.
    own_groups: the method's `groups`; all other parameters are in `MAIN`.

  Returns:
    The transformation of `MAIN` itself if there is no other group.
  """
  if set(groups) == {MAIN}:
    return groups[MAIN]

  def label(params: Tree) -> Tree:
    own = own_groups(params["method"])
    labels = {**jax.tree.map(lambda _: MAIN, params), "method": own}
    if BALANCER in groups:
      labels[BALANCER] = jax.tree.map(lambda _: BALANCER, params[BALANCER])
    return labels

  return optax.partition(groups, label)


def staircase(
  start: float, factor: float, steps: int
) -> Callable[[jax.Array], jax.Array]:
  """Return the schedule count -> start * factor ** floor(count / steps).

  Args:
    start: the first value.
    factor: of every fall.
    steps: counts from one fall to the next.

  Returns:
    A function of an integer.

  Deviations: `optax.exponential_decay` divides floats, and for some `steps`
    falls one count late.
  """

  def schedule(count: jax.Array) -> jax.Array:
    falls = jnp.asarray(count // steps, float)
    return start * jnp.power(factor, falls)

  return schedule


def _is_stage(name: str) -> bool:
  """Whether these are parameters of the model, not of a method."""
  return name == "encoder" or name.startswith(decoder_name(""))
