"""Tables of a report: results, paired differences, configs, timing."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from jtr_jax.report import curves
from jtr_jax.report import runs as runs_lib
from jtr_jax.report.runs import Run
from jtr_jax.workdir import compare_runs

_LONGEST = 60  # letters of a config's value
Groups = Mapping[str, Sequence[compare_runs.Run]]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  """Return an HTML table in a box that scrolls by itself on small screens.

  Args:
    head: texts of the first row.
    rows: HTML of the cells.
  """
  titles = "".join(f"<th>{escape(text)}</th>" for text in head)
  body = "".join(
    "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    for row in rows
  )
  return (
    '<div class="scroll"><table><thead><tr>'
    f"{titles}</tr></thead><tbody>{body}</tbody></table></div>"
  )


def overview(runs: Sequence[Run]) -> str:
  """Return the runs with their colours, and how far they are."""
  rows = [
    [
      swatch(number) + escape(run.name),
      escape(str(run.fields.get("method.name", ""))),
      escape(_balancing(run)),
      str(run.fields.get("seed", "")),
      "finished" if run.card else "training",
      str(run.step),
      _speed(run),
    ]
    for number, run in enumerate(runs)
  ]
  head = ("run", "method", "balancing", "seed", "state", "step", "images/s")
  return table(head, rows)


def swatch(number: int) -> str:
  """Return the button that shows and hides a run, in its colour."""
  return (
    f'<button class="swatch c{number % curves.COLOURS}" data-run="{number}" '
    f'aria-pressed="true" title="show or hide"></button> '
  )


def results(groups: Groups) -> str:
  """Return every metric's mean and deviation; the best mean is bold."""
  cards = [run.card for runs in groups.values() for run in runs]
  directions: dict[str, int] = {}
  for card in cards:
    directions |= card.directions
  names = [f"{name} ({len(runs)})" for name, runs in groups.items()]
  rows = []
  for metric, sign in directions.items():
    columns = [
      [run.metrics[metric] for run in runs if metric in run.metrics]
      for runs in groups.values()
    ]
    rows.append([_named(metric, sign), *_cells(columns, sign)])
  return table(("metric", *names), rows)


def paired(groups: Groups) -> str:
  """Return the differences to the first group, seed by seed.

  A difference is the mean over the seeds that both have, with the standard
  error of that mean; "" where fewer than two are shared.
  """
  (first, base), *others = groups.items()
  of_base = {run.card.seeds.get("seed"): run for run in base}
  rows = []
  metrics = dict.fromkeys(m for run in base for m in run.metrics)
  pairs = {
    name: [
      (run, of_base[run.card.seeds.get("seed")])
      for run in runs
      if run.card.seeds.get("seed") in of_base
    ]
    for name, runs in others
  }
  for metric in metrics:
    sign = base[0].card.directions.get(metric, 0)
    cells = [_difference(pair, metric, sign) for pair in pairs.values()]
    if any(cells):
      rows.append([_named(metric, sign), *cells])
  if not rows:
    return ""
  heads = [f"{name} minus {first}" for name in pairs]
  return table(("metric", *heads), rows)


def configs(runs: Sequence[Run]) -> str:
  """Return the fields in which runs differ, "" if there are none."""
  differing = runs_lib.differing_fields(runs)
  if not differing:
    return ""
  rows = [
    [f"<code>{escape(name)}</code>", *map(_value, values)]
    for name, values in differing.items()
  ]
  return table(("field", *(run.name for run in runs)), rows)


def _balancing(run: Run) -> str:
  """Return the names of the balancers of losses and of gradients."""
  names = (
    str(run.fields.get(f"balancing.{part}.name", ""))
    for part in ("loss", "gradient")
  )
  return " + ".join(name for name in names if name)


def _speed(run: Run) -> str:
  found = run.timing.get("images_per_second")
  return f"{statistics.median(found.values):.3g}" if found else ""


def _named(metric: str, sign: int) -> str:
  return escape(f"{metric} {({1: '↑', -1: '↓'}).get(sign, '')}".strip())


def _cells(columns: Sequence[Sequence[float]], sign: int) -> list[str]:
  means = [
    statistics.fmean(values) if values else math.nan for values in columns
  ]
  known = [sign * mean for mean in means if math.isfinite(mean)]
  cells = []
  for values, mean in zip(columns, means, strict=True):
    if not values:
      cells.append("")
      continue
    text = f"{mean:.4g}"
    if len(values) > 1:
      text += f" ± {statistics.stdev(values):.2g}"
    is_best = len(known) > 1 and sign * mean == max(known)
    cells.append(f"<b>{text}</b>" if is_best else text)
  return cells


def _difference(
  pairs: Sequence[tuple[compare_runs.Run, compare_runs.Run]],
  metric: str,
  sign: int,
) -> str:
  differences = [
    run.metrics[metric] - base.metrics[metric]
    for run, base in pairs
    if metric in run.metrics
  ]
  if len(differences) < 2:
    return ""
  mean = statistics.fmean(differences)
  error = statistics.stdev(differences) / math.sqrt(len(differences))
  text = f"{mean:+.3g} ± {error:.2g} (n={len(differences)})"
  if abs(mean) <= 2 * error:
    return text
  return f'<span class="{"good" if sign * mean > 0 else "bad"}">{text}</span>'


def _value(value: Any) -> str:
  if value is None:
    return '<span class="faint">none</span>'
  text = value if isinstance(value, str) else json.dumps(value)
  short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
  return f"<code>{escape(short)}</code>"
