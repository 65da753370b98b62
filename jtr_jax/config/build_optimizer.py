"""From the optimiser of settings to one that optax can run."""

import optax

from jtr_jax.config import build, schema
from jtr_jax.config.settings import OptimizerSettings, Settings
from jtr_jax.methods.base import MAIN, Method
from jtr_jax.train import optimizer, parameter_rates, plateau, schedules
from jtr_jax.train.averaging import Averaging
from jtr_jax.train.task_weighting import BALANCER, PLAIN, Balancing


def make_optimizer(
  settings: Settings,
  method: Method,
  steps_per_epoch: float,
  balancing: Balancing = PLAIN,
) -> optax.GradientTransformation:
  """Return the optimiser of all groups of parameters.

  Args:
    settings: the schedule of the main group, the falls of every group that the
      method adds, and what all of them have in common.
    method: says which of its parameters are in which group.
    steps_per_epoch: training steps in an epoch.
    balancing: parameters of the loss balancer have Adam with a constant
      learning rate of their own.

  Raises:
    ValueError: a warm-up beside the rise of "one_cycle". `init` raises it for a
      pattern of frozen parameters that means nothing.
  """
  section, rule = settings.optimizer, settings.optimizer.rule
  rates = {MAIN: main_rate(settings, steps_per_epoch)}
  suffix = "_learning_rate"
  for group in (f for f in section.groups if f.endswith(suffix)):
    name = group.removesuffix(suffix)
    rates[name] = schedules.staircase(
      section.groups[group],
      section.groups[f"{name}_decay_rate"],
      _updates(
        section, section.groups[f"{name}_decay_epochs"], steps_per_epoch
      ),
    )
  groups = {n: rule.build(rate, **rule.fields) for n, rate in rates.items()}
  groups[MAIN] = _with_factors(section, groups[MAIN])
  if balancing.learns:
    groups[BALANCER] = optax.adam(settings.balancing.learning_rate)
  whole = optimizer.grouped(groups, method.groups, section.frozen)
  if section.clip_norm:
    whole = optax.chain(optimizer.clip_networks(section.clip_norm), whole)
  return optimizer.accumulated(whole, section.accumulate)


def make_averaging(settings: Settings) -> Averaging:
  """Return how parameters are averaged for evaluation."""
  return Averaging(settings.optimizer.average, settings.optimizer.accumulate)


def main_rate(settings: Settings, steps_per_epoch: float) -> optax.Schedule:
  """Return the learning rate of the network, by the updates made before.

  Args:
    settings: the settings.
    steps_per_epoch: training steps in an epoch.

  Raises:
    ValueError: a warm-up beside the rise of "one_cycle".
  """
  section, train = settings.optimizer, settings.train
  images = round(steps_per_epoch * train.batch_size)
  total = build.total_steps(train, images) // section.accumulate
  warm_up = section.warmup_epochs * steps_per_epoch / section.accumulate
  span = schedules.Span(max(1, total), round(warm_up))
  rate, final = section.learning_rate, section.final_factor
  match section.schedule:
    case "step":
      every = _updates(section, section.decay_epochs, steps_per_epoch)
      factor = section.decay_rate
      return schedules.step(rate, span, factor=factor, every=every)
    case "cosine":
      return schedules.cosine(rate, span, final=final)
    case "poly":
      return schedules.poly(rate, span, power=section.power, final=final)
    case "one_cycle":
      if section.warmup_epochs:
        raise schema.bad_value(
          "optimizer.warmup_epochs",
          section.warmup_epochs,
          "0, as optimizer.rise is the warm-up of one_cycle",
        )
      return schedules.one_cycle(rate, span, rise=section.rise)
    case _:
      return schedules.constant(rate, span)


def _with_factors(
  section: OptimizerSettings, main: optax.GradientTransformation
) -> optax.GradientTransformation:
  """Return the main group with what multiplies its learning rate."""
  factors = []
  if (section.backbone_factor, section.layer_decay) != (1, 1):
    factors.append(
      parameter_rates.scale_rates(section.backbone_factor, section.layer_decay)
    )
  if section.schedule == "plateau":
    factors.append(plateau.reduce_on_plateau())
  return optax.chain(main, *factors) if factors else main


def _updates(
  section: OptimizerSettings, epochs: float, steps_per_epoch: float
) -> int:
  """Return how many updates some epochs are, at least one."""
  return max(1, round(epochs * steps_per_epoch / section.accumulate))
