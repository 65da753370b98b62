"""Costs of a row: a train step is measured, or its operations are counted."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jtr_jax.benchmark import operations
from jtr_jax.config import build
from jtr_jax.data.datasets import nyuv2
from jtr_jax.data.datasets.nyuv2_classes import CLASSES_40
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.tables.form import Column
from jtr_jax.tables.recipe import Recipe
from jtr_jax.workdir import provenance, text_files

FILE = "measurement.json"
"""Of a row, in its folder: what `benchmark` measured, and for what."""

_TIMED_STEPS = 20
_GMAC = "gmac_"


def is_measured(folder: Path) -> bool:
  """Return whether a folder has a measurement."""
  return (folder / FILE).exists()


def measure(how: Recipe, images: int, folder: Path) -> None:
  """Measure a train step on random data and write the measurement.

  A process of its own does it, because the most memory in use is known for a
  whole process alone.

  Args:
    how: the run.
    images: of the published training split; 0 if that is not known.
    folder: where the file goes.

  Raises:
    ValueError: the step cannot be measured.
    OSError: the file cannot be written.
  """
  path = folder / FILE
  with text_files.clear_errors(path):
    folder.mkdir(parents=True, exist_ok=True)
  measured = folder / "step.json"
  words = [f"--config={how.name}", *how.flags, f"--runs={_TIMED_STEPS}"]
  done = subprocess.run(
    [sys.executable, "-m", "jtr_jax.benchmark", *words, f"--json={measured}"],
    check=False,
    capture_output=True,
    text=True,
  )
  if done.returncode:
    lines = done.stderr.strip().splitlines() or ["no message"]
    raise ValueError(f"benchmark ended with {done.returncode}: {lines[-1]}")
  content = json.loads(measured.read_text(encoding="utf-8"))
  content["config"] = how.name
  content["revision"] = provenance.git_revision() or ""
  content["training_steps"] = build.total_steps(how.settings().train, images)
  text_files.replace(path, json.dumps(content, indent=2) + "\n")
  measured.unlink()


def is_counted(columns: Iterable[Column]) -> bool:
  """Return whether all costs are operations, for which nothing need run."""
  return all(c.cost.startswith(_GMAC) for c in columns if c.cost)


def count(how: Recipe, folder: Path) -> None:
  """Count the multiply-accumulates of one image and write them.

  Args:
    how: the run; its segmentation has 40 classes, as AMTL's.
    folder: where the file goes.

  Raises:
    OSError: the file cannot be written.
  """
  settings = how.settings()
  segmentation = {"kind": "segmentation", "classes": list(CLASSES_40)}
  options = {**nyuv2.TASKS, "segmentation": segmentation}
  height, width = settings.data.size
  manifest = Manifest("nyuv2", (height, width), options, {}, {})
  net = build.make_model(settings, build.make_tasks(settings.tasks, manifest))
  found = operations.of_network(net, manifest.size)
  content = {
    "gmac_backbone": found.backbone / 1e9,
    "gmac_aspp": found.trunk / 1e9,
    "gmac_heads": found.heads / 1e9,
    "config": how.name,
    "revision": provenance.git_revision() or "",
  }
  path = folder / FILE
  with text_files.clear_errors(path):
    folder.mkdir(parents=True, exist_ok=True)
  text_files.replace(path, json.dumps(content, indent=2) + "\n")


def reached(
  columns: Iterable[Column], measurement: Mapping[str, Any]
) -> dict[str, float]:
  """Return key of a column -> cost, in its unit, as far as it is known.

  The training time is the median step time, times the steps of the published
  training; loading and evaluation come on top.

  Args:
    columns: of the row.
    measurement: of `measure`.
  """
  if "step_seconds" not in measurement:
    return {c.key: measurement[c.cost] for c in columns if c.cost}
  seconds = statistics.median(measurement["step_seconds"])
  costs = {
    "training_time": seconds * measurement["training_steps"] / 3600,
    "memory": _memory(measurement) / 2**30,
  }
  return {
    column.key: costs[column.cost]
    for column in columns
    if costs.get(column.cost)
  }


def _memory(content: Mapping[str, Any]) -> float:
  """Return bytes: the device's peak, else what the program says it takes."""
  if content["peak_is_of"] == "device":
    return float(content["peak_bytes"])
  parts = (content["argument_bytes"], content["temporary_bytes"])
  return float(sum(part or 0 for part in parts))
