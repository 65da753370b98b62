"""The result card: the metrics of a run, and how its step was chosen."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jtr_jax.core import errors, places
from jtr_jax.workdir import text_files

_NO_BASELINE = "not computed (no baseline given)"
_OPTIMISTIC = "optimistic: the step was chosen on the split it is reported on"


@dataclasses.dataclass(frozen=True)
class Outcome:
  """The metrics of one split at one step, and why that step.

  Attributes:
    rule: how the step was chosen, such as "last" or "best".
    step: the step; None for several networks, each at its own.
    split: the split that is reported.
    metrics: "<task>/<metric>" -> value.
    selected_by: the metric that chose the step; "" if none did.
    selected_on: the split it was computed on; "" if none was.
    delta_percent: Delta_MTL against the baseline of the card, if it has one.
    gains: task -> gain over that baseline in percent, which Delta_MTL averages.
    acc_mtl: Acc_MTL over the chosen metrics of the card, if there are any.
  """

  rule: str
  step: int | None
  split: str
  metrics: Mapping[str, float]
  selected_by: str = ""
  selected_on: str = ""
  delta_percent: float | None = None
  gains: Mapping[str, float] = dataclasses.field(default_factory=dict)
  acc_mtl: float | None = None

  @property
  def is_optimistic(self) -> bool:
    """Whether the step was chosen on the split that is reported."""
    return self.selected_on == self.split

  @property
  def selection(self) -> str:
    """The rule in words."""
    if not self.selected_on:
      return f"{self.rule} step"
    return f"{self.rule} {self.selected_by} on {self.selected_on}"


@dataclasses.dataclass(frozen=True)
class ResultCard:
  """The results of a run, written at its end.

  Attributes:
    name: of the experiment.
    outcomes: one for each way of choosing the step and each split.
    directions: "<task>/<metric>" -> +1 if higher is better, -1 if lower.
    baseline: {"name": ..., "metrics": {...}} or None.
    seeds: such as {"seed": 0, "split": 0}.
    scenario: which labels were present.
    label_counts: labelled images by task.
    images: training images.
    versions: of `workdir.versions`.
    config: path of the config, with its arguments.
    waited: evaluations in a row that were not better and so ended the run; 0 if
      it came to its last step.
    summarised: the metrics that Delta_MTL and Acc_MTL are made of; () for the
      first one of each task, and no Acc_MTL.
  """

  name: str
  outcomes: tuple[Outcome, ...]
  directions: Mapping[str, int]
  baseline: Mapping[str, Any] | None
  seeds: Mapping[str, int]
  scenario: str
  label_counts: Mapping[str, int]
  images: int
  versions: Mapping[str, str]
  config: str
  waited: int = 0
  summarised: tuple[str, ...] = ()

  def __post_init__(self) -> None:
    has_delta = [o.delta_percent is not None for o in self.outcomes]
    if any(has_delta) and not self.baseline:
      raise ValueError(
        errors.message(
          "Delta_MTL needs a named baseline",
          found="an outcome with a delta and a card without a baseline",
          expected="both, or neither",
          do="Pass the baseline that the delta was computed against.",
        )
      )

  def outcome(self, rule: str) -> Outcome | None:
    """Return the outcome of a rule, None if the card has none."""
    return next((o for o in self.outcomes if o.rule == rule), None)


def exists(workdir: str | Path) -> bool:
  """Return whether a card has been written in a folder."""
  return (places.place(workdir) / "result.json").exists()


def read(workdir: str | Path) -> ResultCard:
  """Return the card of a finished run.

  Args:
    workdir: folder of the run.

  Returns:
    What `write` was given, NaN where it wrote null.

  Raises:
    ValueError: there is none, or it is damaged.
  """
  path = places.place(workdir) / "result.json"
  try:
    return from_dict(json.loads(path.read_text(encoding="utf-8")))
  except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
    raise ValueError(
      errors.message(
        f"{path} is missing or damaged",
        found=f"{type(error).__name__}: {error}",
        expected="a result card as jtr_jax wrote it",
        do="Delete it and repeat the training command: it writes it again.",
      )
    ) from error


def from_dict(content: Mapping[str, Any]) -> ResultCard:
  """Return the card of which `to_dict` made the content."""
  if not isinstance(content, Mapping):
    raise TypeError(f"a {type(content).__name__} in place of an object")
  names = {field.name for field in dataclasses.fields(ResultCard)}
  fields = {name: content[name] for name in names & content.keys()}
  outcomes = tuple(map(_outcome, content["outcomes"]))
  summarised = tuple(fields.get("summarised", ()))
  return ResultCard(
    **{**fields, "outcomes": outcomes, "summarised": summarised}
  )


def write(workdir: str | Path, card: ResultCard) -> None:
  """Write result.json and RESULT.md.

  Args:
    workdir: folder of the run.
    card: the result.

  Raises:
    OSError: it cannot be written.
  """
  folder = places.place(workdir)
  text = json.dumps(to_dict(card), indent=2, allow_nan=False) + "\n"
  text_files.replace(folder / "result.json", text)
  text_files.replace(folder / "RESULT.md", to_markdown(card))


def to_dict(card: ResultCard) -> dict[str, Any]:
  """Return the card for JSON: NaN as null, the labels in words added."""
  content = dataclasses.asdict(card)
  for outcome, plain in zip(card.outcomes, content["outcomes"], strict=True):
    plain["selection"] = outcome.selection
    plain["optimistic"] = outcome.is_optimistic
  if card.baseline is None:
    content["delta"] = _NO_BASELINE
  return _without_nan(content)


def to_markdown(card: ResultCard) -> str:
  """Return the card as a page.

  Args:
    card: the result.

  Returns:
    Markdown text.
  """
  counts = ", ".join(f"{t} {n}" for t, n in card.label_counts.items())
  seeds = ", ".join(f"{name} {value}" for name, value in card.seeds.items())
  facts = {
    "Config": f"`{card.config}`",
    "Scenario": f"{card.scenario}; labels of {card.images} images: {counts}",
    "Seeds": seeds,
    "Delta_MTL": f"against {card.baseline['name']}"
    if card.baseline
    else _NO_BASELINE,
    "Versions": ", ".join(f"{n} {v}" for n, v in card.versions.items()),
  }
  if card.summarised:
    facts["Delta_MTL and Acc_MTL"] = f"of {', '.join(card.summarised)}"
  if card.waited:
    facts["Ended early"] = f"{card.waited} evaluations were not better"
  lines = [f"# {card.name}", "", *_table(card), ""]
  if any(outcome.is_optimistic for outcome in card.outcomes):
    lines += [f"\\* {_OPTIMISTIC}.", ""]
  lines += [f"* {name}: {fact}" for name, fact in facts.items()]
  return "\n".join(lines) + "\n"


def _outcome(content: Mapping[str, Any]) -> Outcome:
  """Return an outcome; older files have no gains and no Acc_MTL."""
  content = {"gains": {}, "acc_mtl": None, **content}
  fields = {
    field.name: content[field.name] for field in dataclasses.fields(Outcome)
  }
  for name in ("metrics", "gains"):
    fields[name] = _with_nan(fields[name])
  return Outcome(**fields)


def _with_nan(values: Mapping[str, float | None]) -> dict[str, float]:
  """Return numbers, with null for NaN."""
  return {n: float("nan") if v is None else v for n, v in values.items()}


def _table(card: ResultCard) -> list[str]:
  """Return a table with one column for each outcome."""
  titles = [
    f"{o.split}, {o.selection}{'*' if o.is_optimistic else ''}"
    + ("" if o.step is None else f" (step {o.step})")
    for o in card.outcomes
  ]
  names = list(dict.fromkeys(n for o in card.outcomes for n in o.metrics))
  rows = [
    [f"{name} {_arrow(card, name)}".rstrip()]
    + [_digits(outcome.metrics.get(name)) for outcome in card.outcomes]
    for name in names
  ]
  if card.baseline:
    deltas = [_percent(outcome.delta_percent) for outcome in card.outcomes]
    rows.append(["Delta_MTL \u2191", *deltas])
  if card.summarised:
    accuracies = [_digits(outcome.acc_mtl) for outcome in card.outcomes]
    rows.append(["Acc_MTL \u2191", *accuracies])
  table = [["metric", *titles], ["---"] + ["---:"] * len(titles), *rows]
  return ["| " + " | ".join(row) + " |" for row in table]


def _arrow(card: ResultCard, name: str) -> str:
  return {1: "\u2191", -1: "\u2193"}.get(card.directions.get(name, 0), "")


def _digits(value: float | None) -> str:
  return "" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
  return "" if value is None else f"{value:+.2f} %"


def _without_nan(value: Any) -> Any:
  if isinstance(value, Mapping):
    return {name: _without_nan(part) for name, part in value.items()}
  if isinstance(value, list | tuple):
    return [_without_nan(part) for part in value]
  return None if isinstance(value, float) and value != value else value
