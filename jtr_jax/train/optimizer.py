"""One optimiser for all groups of parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import optax

from jtr_jax.core import errors
from jtr_jax.methods.base import MAIN
from jtr_jax.models.multitask import decoder_name
from jtr_jax.models.parameter_names import matched
from jtr_jax.train.state import Tree
from jtr_jax.train.task_weighting import BALANCER

_FROZEN = "frozen"


def clip_networks(max_norm: float) -> optax.GradientTransformation:
  """Return a clip of the gradient's norm, of each network on its own.

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
  frozen: Sequence[str] = (),
) -> optax.GradientTransformation:
  """Return one transformation with groups of parameters.

  Args:
    groups: for each group its transformation, `MAIN` among them; `BALANCER` is
      what loss balancers learn.
    own_groups: the method's `groups`; all other parameters are in `MAIN`.
    frozen: patterns of parameters that are not trained, whatever their group;
      see `parameter_names.matches`.

  Returns:
    The transformation of `MAIN` itself if there is no other group and nothing
    is frozen. Its `init` raises `ValueError` for a pattern that means nothing,
    and for a group of the method that is not among `groups`.
  """

  def known(params: Tree) -> Tree:
    own = own_groups(params.get("method", {}))
    for group in jax.tree.leaves(own):
      if group not in groups:
        raise errors.unknown_name("optimiser group of a method", group, groups)
    return own

  if set(groups) == {MAIN} and not frozen:
    return _checked(groups[MAIN], known)

  def label(params: Tree) -> Tree:
    own = known(params)
    labels = {**jax.tree.map(lambda _: MAIN, params), "method": own}
    if BALANCER in groups:
      labels[BALANCER] = jax.tree.map(lambda _: BALANCER, params[BALANCER])
    if not frozen:
      return labels
    stays = matched(params, frozen, "optimizer.frozen")
    return jax.tree.map(lambda g, f: _FROZEN if f else g, labels, stays)

  kept = {_FROZEN: optax.set_to_zero()} if frozen else {}
  return optax.partition({**groups, **kept}, label)


def _checked(
  transformation: optax.GradientTransformation, check: Callable[[Tree], Any]
) -> optax.GradientTransformation:
  """Return a transformation whose parameters are checked before it starts."""

  def init(params: Tree) -> optax.OptState:
    check(params)
    return transformation.init(params)

  return transformation._replace(init=init)


def accumulated(
  transformation: optax.GradientTransformation, steps: int
) -> optax.GradientTransformation:
  """Return a transformation of the mean of several steps' gradients.

  Between its updates the parameters are unchanged. Batch norm and the balancing
  see the batch of a single step.

  Args:
    transformation: makes the update.
    steps: training steps that make one update; 1: the transformation itself.
  """
  if steps == 1:
    return transformation
  multiple = optax.MultiSteps(transformation, steps)
  return multiple.gradient_transformation()


def _is_stage(name: str) -> bool:
  """Return whether these are parameters of the model, not of a method."""
  return name == "encoder" or name.startswith(decoder_name(""))
