"""From the balancing of settings to balancers."""

from jtr_jax.balancing import uncertainty
from jtr_jax.balancing.gradient_balancer import GradientBalancer
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.balancing.smoothing import cr_mogm
from jtr_jax.config import build, build_optimizer
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors
from jtr_jax.tasks.base import Task
from jtr_jax.train.task_weighting import Balancing, LookAhead


def make_balancing(
  settings: Settings, tasks: tuple[Task, ...], steps_per_epoch: float
) -> Balancing:
  """Build the balancers of losses and gradients.

  Args:
    settings: the settings.
    tasks: in order.
    steps_per_epoch: updates in an epoch, for balancers that look at epochs.

  Raises:
    ValueError: an unknown primary task, or a scope on which the gradient
      balancer cannot act.
  """
  section = settings.balancing
  names = tuple(task.name for task in tasks)
  if section.primary and section.primary not in names:
    raise errors.unknown_name("primary task", section.primary, names)
  common = {
    "primary": names.index(section.primary) if section.primary else 0,
    "period": max(1, round(steps_per_epoch)),
  }
  loss: LossBalancer = build.make_part(
    section.loss, len(names), LossBalancer, **common
  )
  gradient: GradientBalancer | None = build.make_part(
    section.gradient, len(names), GradientBalancer, type(None), **common
  )
  if gradient and gradient.needs_sigma and not loss.sigma:
    loss = uncertainty.learn_sigma_beside(
      loss, len(names), gradient.initial_sigma
    )
  gradient = _smoothed(gradient, section.smoothing)
  scope = section.scope
  if scope == "default":
    scope = gradient.scopes[0] if gradient else "shared_params"
  primary = names[common["primary"] :][:1] if section.primary else names
  return Balancing(
    loss,
    gradient,
    scope,
    section.task_loss,
    section.at_once,
    _look_ahead(settings, steps_per_epoch, tuple(map(names.index, primary))),
  )


def _smoothed(
  gradient: GradientBalancer | None, ema_decay: float
) -> GradientBalancer | None:
  """Return the gradient balancer with a moving average of its weights."""
  if not ema_decay:
    return gradient
  if gradient is None:
    raise ValueError(
      errors.message(
        "config.balancing.smoothing averages the weights of gradients",
        found="no gradient balancer",
        expected="one, such as balancing=mgda",
        do="Choose one, or set config.balancing.smoothing=0.",
      )
    )
  return cr_mogm(gradient, ema_decay=ema_decay)


def _look_ahead(
  settings: Settings, steps_per_epoch: float, primary: tuple[int, ...]
) -> LookAhead:
  """Return a virtual step like those of the optimiser."""
  section = settings.optimizer
  rate = build_optimizer.main_rate(settings, steps_per_epoch)
  fields = section.rule.fields
  return LookAhead(
    lambda step: rate(step // section.accumulate),
    primary,
    momentum=fields.get("momentum", 0.0),
    weight_decay=fields.get("weight_decay", 0.0),
  )
