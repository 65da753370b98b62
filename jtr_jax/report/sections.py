"""Which curve of a run belongs to which part of the page."""

from collections.abc import Sequence

from jtr_jax.report import curves
from jtr_jax.report.curves import Curve
from jtr_jax.report.runs import Run

_TRAINING = "train/"

SECTIONS = (
  "Metrics",
  "Losses",
  "Balancing",
  "Diagnostics of the method",
  "Speed",
)


def charts(runs: Sequence[Run]) -> dict[str, list[str]]:
  """Return the charts of each part of the page, empty parts left out.

  Args:
    runs: in the order of their colours.
  """
  found: dict[str, list[str]] = {name: [] for name in SECTIONS}
  names = dict.fromkeys(name for run in runs for name in run.series)
  directions = _directions(runs)
  for name in names:
    split, _, rest = name.partition("/")
    arrow = {1: "↑", -1: "↓"}.get(directions.get(rest, 0), "")
    note = arrow if split == "train" else f"{split} {arrow}"
    drawn = [
      Curve(number, run.name, run.series[name])
      for number, run in enumerate(runs)
      if name in run.series
    ]
    found[section(name)].append(curves.chart(rest, drawn, note))
  for name in dict.fromkeys(name for run in runs for name in run.timing):
    drawn = [
      Curve(number, run.name, run.timing[name])
      for number, run in enumerate(runs)
      if name in run.timing
    ]
    found["Speed"].append(curves.chart(name.replace("_", " "), drawn))
  return {name: own for name, own in found.items() if own}


def section(name: str) -> str:
  """Return the part of the page for a number of metrics.jsonl.

  Args:
    name: "<split>/<task>/<metric>", or "<split>/<group>/<name>".
  """
  if not name.startswith(_TRAINING):
    return "Metrics"
  rest = name.removeprefix(_TRAINING)
  if rest.endswith("/loss"):
    return "Losses"
  if rest.startswith("regularizer/"):
    return "Diagnostics of the method"
  return "Balancing"


def _directions(runs: Sequence[Run]) -> dict[str, int]:
  found: dict[str, int] = {}
  for run in runs:
    if run.card:
      found |= run.card.directions
  return found
