"""Curves of several runs as inline SVG, so that the page needs no library."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from jtr_jax.report.runs import Series

WIDTH, HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 8, 22
_MOST_POINTS = 300
COLOURS = 8
"""Colours of runs on the page; further runs have them again, dashed."""


class Curve(NamedTuple):
  """One run in a chart.

  Attributes:
    number: of the run, which decides its colour.
    name: of the run.
    series: what is drawn.
  """

  number: int
  name: str
  series: Series


def chart(title: str, curves: Sequence[Curve], note: str = "") -> str:
  """Return a chart with its title as HTML.

  Args:
    title: what is drawn.
    curves: one for each run that has it.
    note: what stands behind the title, such as an arrow.
  """
  values = [value for curve in curves for value in curve.series.values]
  last = max(step for curve in curves for step in curve.series.steps)
  first = min(step for curve in curves for step in curve.series.steps)
  x = _Axis(first, max(last, first + 1), _LEFT, WIDTH - _RIGHT)
  low, high = _range(values)
  y = _Axis(low, high, HEIGHT - _BOTTOM, _TOP)
  body = [*_grid(x, y), *(_line(curve, x, y) for curve in curves)]
  label = f"{title}, {len(curves)} runs, from {low:.3g} to {high:.3g}"
  return (
    f'<figure class="chart"><figcaption>{escape(title)} '
    f"<small>{escape(note)}</small></figcaption>"
    f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
    f'aria-label="{escape(label)}">{"".join(body)}</svg></figure>'
  )


class _Axis(NamedTuple):
  """From values to pixels."""

  low: float
  high: float
  start: float
  end: float

  def place(self, value: float) -> float:
    share = (value - self.low) / (self.high - self.low)
    return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
  """Return round numbers in a range, about so many.

  Args:
    low: the smallest value.
    high: the largest, above `low`.
    count: how many are wanted.
  """
  rough = (high - low) / count
  power = 10.0 ** math.floor(math.log10(rough))
  steps = [factor * power for factor in (1, 2, 5, 10)]
  step = min(steps, key=lambda step: abs((high - low) / step - count))
  start = math.ceil(low / step - 1e-9)
  stop = math.floor(high / step + 1e-9)
  return [number * step for number in range(start, stop + 1)]


def thinned(series: Series) -> Series:
  """Return at most 300 points: means of neighbours, the last one as it is."""
  count = len(series.steps)
  if count <= _MOST_POINTS:
    return series
  size = -(-count // _MOST_POINTS)
  steps, values = [], []
  for start in range(0, count, size):
    part = series.values[start : start + size]
    steps.append(series.steps[min(start + size, count) - 1])
    values.append(math.fsum(part) / len(part))
  values[-1] = series.values[-1]
  return Series(tuple(steps), tuple(values))


def _range(values: Sequence[float]) -> tuple[float, float]:
  """Return a range with some air; peaks of a few points are cut off."""
  ordered = sorted(values)
  high = ordered[-1]
  usual = ordered[min(len(ordered) - 1, round(0.98 * len(ordered)))]
  if len(ordered) > 50 and usual > ordered[0]:
    high = min(high, ordered[0] + 1.5 * (usual - ordered[0]))
  low = ordered[0]
  air = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
  return low - air, high + air


def _grid(x: _Axis, y: _Axis) -> Iterator[str]:
  for value in ticks(y.low, y.high):
    place = f"{y.place(value):.1f}"
    yield f'<path class="grid" d="M{x.start} {place}H{x.end}"/>'
    yield (
      f'<text class="tick" x="{x.start - 5}" y="{place}" dy="0.32em" '
      f'text-anchor="end">{_short(value)}</text>'
    )
  for value in ticks(x.low, x.high):
    yield (
      f'<text class="tick" x="{x.place(value):.1f}" y="{HEIGHT - 6}" '
      f'text-anchor="middle">{_short(value)}</text>'
    )


def _line(curve: Curve, x: _Axis, y: _Axis) -> str:
  series = thinned(curve.series)
  places = [
    (x.place(step), min(max(y.place(value), _TOP), HEIGHT - _BOTTOM))
    for step, value in zip(series.steps, series.values, strict=True)
  ]
  kind = f"run c{curve.number % COLOURS}"
  if curve.number >= COLOURS:
    kind += " dashed"
  text = escape(f"{curve.name}: {series.values[-1]:.4g} at {series.steps[-1]}")
  points = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
  (a, b) = places[-1]
  return (
    f'<g class="{kind}" data-run="{curve.number}"><title>{text}</title>'
    f'<polyline points="{points}"/>'
    f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5"/></g>'
  )


def _short(value: float) -> str:
  """Return a number of a few letters."""
  if abs(value) >= 10000:
    return f"{value / 1000:g}k"
  return f"{round(value, 12):.4g}"
