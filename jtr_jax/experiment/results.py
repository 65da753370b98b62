"""Results of a run: its card, and the table of an evaluation."""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

from jtr_jax.config.settings import SourceSettings
from jtr_jax.experiment.evaluation import Evaluation
from jtr_jax.experiment.setup import ACCURACY, DELTA, Experiment
from jtr_jax.workdir import provenance, result_card, text_files
from jtr_jax.workdir.checkpoints import Checkpoints
from jtr_jax.workdir.metric_files import read_rows
from jtr_jax.workdir.result_card import Outcome, ResultCard

CARD = "RESULT.md"
_GAIN = "/gain"


def write_card(
  experiment: Experiment,
  evaluation: Evaluation,
  checkpoints: Checkpoints,
  *,
  name: str,
  waited: int = 0,
) -> None:
  """Write `RESULT.md` and `result.json` from the rows of the finished run.

  Args:
    experiment: what was run.
    evaluation: how it was evaluated.
    checkpoints: know which step is best.
    name: of the config.
    waited: evaluations that were not better and so ended the run.
  """
  rows = _evaluations(experiment.workdir, evaluation.split)
  last = max(rows)
  outcomes = [_outcome("last", last, evaluation.split, rows[last])]
  if checkpoints.best is not None and checkpoints.best[0] in rows:
    step = checkpoints.best[0]
    outcomes.append(
      _outcome(
        "best",
        step,
        evaluation.split,
        rows[step],
        metric=experiment.selection_metric,
      )
    )
  baseline, settings = evaluation.baseline, experiment.settings
  card = ResultCard(
    name=f"{settings.method.name} on {experiment.data.manifest.name}",
    outcomes=tuple(outcomes),
    directions=experiment.directions,
    baseline=dataclasses.asdict(baseline) if baseline else None,
    seeds={"seed": settings.seed},
    scenario=_scenario(settings.data),
    label_counts=_label_counts(experiment),
    images=experiment.training.selection.size,
    versions=provenance.versions(),
    config=name,
    waited=waited,
    summarised=evaluation.metrics,
  )
  result_card.write(experiment.workdir, card)


def write_evaluation(
  folder: Path, step: int, split: str, metrics: Mapping[str, float]
) -> None:
  """Write `evaluation.json` and show the numbers.

  Args:
    folder: the workdir.
    step: of the checkpoint.
    split: that was evaluated.
    metrics: "<task>/<metric>" -> value; NaN is written as null.
  """
  known = {n: v if math.isfinite(v) else None for n, v in metrics.items()}
  content = {"step": step, "split": split, "metrics": known}
  text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
  text_files.replace(folder / "evaluation.json", text + "\n")
  width = max(map(len, metrics))
  lines = [f"{name:<{width}} {value:.5g}" for name, value in metrics.items()]
  heading = f"step {step}, split {split}"
  sys.stdout.write("\n".join([heading, *lines]) + "\n")


def _outcome(
  rule: str,
  step: int,
  split: str,
  metrics: Mapping[str, float],
  *,
  metric: str = "",
) -> Outcome:
  gains = {
    name.removesuffix(_GAIN): value
    for name, value in metrics.items()
    if name.endswith(_GAIN)
  }
  own = {
    name: value
    for name, value in metrics.items()
    if name not in (DELTA, ACCURACY) and not name.endswith(_GAIN)
  }
  return Outcome(
    rule=rule,
    step=step,
    split=split,
    metrics=own,
    gains=gains,
    selected_by=metric,
    selected_on=split if metric else "",
    delta_percent=metrics.get(DELTA),
    acc_mtl=metrics.get(ACCURACY),
  )


def _scenario(data: SourceSettings) -> str:
  """Return what decides which labels the training sees."""
  base, plus, unlabelled = data.scenario.partition("+")
  return f"{data.split_file or base}{plus}{unlabelled}"


def _evaluations(folder: Path, split: str) -> dict[int, dict[str, float]]:
  """Return step -> metrics from the rows of a split."""
  prefix = f"{split}/"
  return {
    row["step"]: {
      name.removeprefix(prefix): float("nan") if value is None else value
      for name, value in row.items()
      if name.startswith(prefix)
    }
    for row in read_rows(folder / "metrics.jsonl")
    if row["split"] == split
  }


def _label_counts(experiment: Experiment) -> dict[str, int]:
  """Return how many training images are labelled for each task."""
  counts = experiment.training.selection.present.sum(axis=0).tolist()
  return dict(zip(experiment.task_names, counts, strict=True))
