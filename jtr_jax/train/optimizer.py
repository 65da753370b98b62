"""One optimiser for all groups of parameters."""

from collections.abc import Callable, Mapping

import jax
import optax

from jtr_jax.methods.base import MAIN
from jtr_jax.models.multitask import decoder_name
from jtr_jax.train import schedules
from jtr_jax.train.state import Tree
from jtr_jax.train.task_weighting import BALANCER


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


def falling_rate(
  start: float, factor: float, epochs: float, steps_per_epoch: float
) -> optax.Schedule:
  """Return a learning rate that falls at whole updates.

  Args:
    start: the first value.
    factor: of every fall.
    epochs: from one fall to the next.
    steps_per_epoch: updates in an epoch.
  """
  return schedules.staircase(
    start, factor, max(1, round(epochs * steps_per_epoch))
  )


def _is_stage(name: str) -> bool:
  """Whether these are parameters of the model, not of a method."""
  return name == "encoder" or name.startswith(decoder_name(""))
