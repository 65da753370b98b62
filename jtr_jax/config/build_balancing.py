"""From the section `balancing` of a config to balancers."""

import inspect
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.balancing import uncertainty
from jtr_jax.config import registry
from jtr_jax.core import errors
from jtr_jax.tasks.base import Task
from jtr_jax.train.optimizer import staircase
from jtr_jax.train.task_weighting import Balancing, LookAhead


def make_balancing(
  config: ConfigDict, tasks: tuple[Task, ...], steps_per_epoch: float
) -> Balancing:
  """Return how losses and gradients are balanced.

  Args:
    config: the section `balancing`.
    tasks: in order.
    steps_per_epoch: updates in an epoch, for balancers that look at epochs.

  Raises:
    ValueError: an unknown primary task, or a scope on which the gradient
      balancer cannot act.
  """
  section = config.balancing
  names = tuple(task.name for task in tasks)
  if section.primary and section.primary not in names:
    raise errors.unknown_name("primary task", section.primary, names)
  common = {
    "primary": names.index(section.primary) if section.primary else 0,
    "period": max(1, round(steps_per_epoch)),
  }
  loss = _balancer(section.loss, registry.LOSS_BALANCERS, len(names), common)
  gradient = _balancer(
    section.gradient, registry.GRADIENT_BALANCERS, len(names), common
  )
  if gradient and gradient.needs_sigma and not loss.sigma:
    loss = uncertainty.learn_sigma_beside(loss, len(names))
  scope = section.scope
  if scope == "default":
    scope = gradient.scopes[0] if gradient else "shared_params"
  primary = names[common["primary"] :][:1] if section.primary else names
  optimizer_ = config.optimizer
  look_ahead = LookAhead(
    staircase(
      optimizer_.learning_rate,
      optimizer_.decay_rate,
      max(1, round(optimizer_.decay_epochs * steps_per_epoch)),
    ),
    tuple(map(names.index, primary)),
  )
  return Balancing(
    loss,
    gradient,
    scope,
    section.task_loss,
    section.at_once,
    look_ahead,
  )


def _balancer(
  section: ConfigDict,
  table: Mapping[str, registry.Builder],
  num_tasks: int,
  common: Mapping[str, Any],
) -> Any:
  """Return the balancer of a section; it gets what it asks for of `common`."""
  fields = dict(section)
  build = registry.find("balancer", fields.pop("name"), table).build
  taken = inspect.signature(build).parameters
  fields |= {name: value for name, value in common.items() if name in taken}
  return build(num_tasks, **fields)
