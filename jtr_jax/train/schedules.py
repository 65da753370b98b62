"""Learning rates as functions of the number of updates made before."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

_RISE_FROM = 1 / 25  # of the highest rate, at the start of one cycle
_FALL_TO = 1e-4  # of the rate at the start, at the end of one cycle


class Span(NamedTuple):
  """The updates of a run, on which a schedule is laid.

  Attributes:
    total: updates of the run.
    warm_up: updates at its beginning in which the rate rises linearly.
  """

  total: int
  warm_up: int = 0


def constant(rate: float, span: Span) -> optax.Schedule:
  """Return a constant rate, after the warm-up.

  Args:
    rate: the value.
    span: `warm_up` alone is looked at.
  """
  return _warmed(lambda count: jnp.full((), rate, float), rate, span)


def step(
  rate: float, span: Span, *, factor: float, every: int
) -> optax.Schedule:
  """Return a rate that falls by a factor every so many updates.

  Args:
    rate: before the first fall.
    span: the falls are counted from the start of the run, warm-up included.
    factor: of every fall.
    every: updates from one fall to the next.

  Source: torch StepLR.
  """
  schedule = staircase(rate, factor, every)
  if not span.warm_up:
    return schedule
  rise = lambda count: jnp.minimum(1, (count + 1) / span.warm_up)
  return lambda count: schedule(count) * rise(count)


def cosine(rate: float, span: Span, *, final: float = 0.0) -> optax.Schedule:
  """Return rate * (final + (1 - final) (1 + cos(pi t)) / 2), t from 0 to 1.

  Args:
    rate: after the warm-up, at t = 0.
    span: t = 1 is the end of the run.
    final: fraction of the rate that is left at t = 1.

  Source: Loshchilov and Hutter 2017, Eq. (5), without restarts.
  """

  def curve(count: jax.Array) -> jax.Array:
    fall = (1 + jnp.cos(jnp.pi * _passed(count, span))) / 2
    return rate * (final + (1 - final) * fall)

  return _warmed(curve, rate, span)


def poly(
  rate: float, span: Span, *, power: float = 0.9, final: float = 0.0
) -> optax.Schedule:
  """Return rate * (final + (1 - final) (1 - t)^power), t from 0 to 1.

  Args:
    rate: after the warm-up, at t = 0.
    span: t = 1 is the end of the run.
    power: 0.9 in DeepLab.
    final: fraction of the rate that is left at t = 1.

  Source: Chen et al. 2018 (DeepLab), Sec. 4.1.
  """

  def curve(count: jax.Array) -> jax.Array:
    fall = jnp.power(1 - _passed(count, span), power)
    return rate * (final + (1 - final) * fall)

  return _warmed(curve, rate, span)


def one_cycle(rate: float, span: Span, *, rise: float = 0.3) -> optax.Schedule:
  """Return a rate that rises from rate / 25 and falls to almost nothing.

  Both ways are half a cosine; the last update has rate / 250000.

  Args:
    rate: the highest, where the rise ends.
    span: `total` alone is looked at; the rise is the warm-up.
    rise: fraction of the updates in which it rises.

  Source: Smith and Topin 2019, as torch's OneCycleLR has it.
  Deviations: the momentum is constant; torch varies it inversely.
  """
  low, end = rate * _RISE_FROM, rate * _RISE_FROM * _FALL_TO
  top, last = rise * span.total - 1, span.total - 1

  def between(start: float, stop: float, share: jax.Array) -> jax.Array:
    return stop + (start - stop) / 2 * (1 + jnp.cos(jnp.pi * share))

  def curve(count: jax.Array) -> jax.Array:
    t = jnp.asarray(count, float)
    up = between(low, rate, jnp.clip(t / max(top, 1e-9), 0, 1))
    fallen = (t - top) / max(last - top, 1e-9)
    return jnp.where(t <= top, up, between(rate, end, jnp.clip(fallen, 0, 1)))

  return curve


def staircase(start: float, factor: float, steps: int) -> optax.Schedule:
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


def _passed(count: jax.Array, span: Span) -> jax.Array:
  """Return which fraction of the run after the warm-up has passed."""
  length = max(1, span.total - span.warm_up)
  return jnp.clip((count - span.warm_up) / length, 0, 1)


def _warmed(curve: optax.Schedule, rate: float, span: Span) -> optax.Schedule:
  """Return the curve, with a linear rise to the rate before it."""
  if not span.warm_up:
    return curve

  def schedule(count: jax.Array) -> jax.Array:
    rising = rate * (count + 1) / span.warm_up
    return jnp.where(count < span.warm_up, rising, curve(count))

  return schedule
