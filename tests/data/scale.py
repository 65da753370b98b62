"""Time and memory before the first step, for data sets of simulated ids.

    python -m tests.data.scale 100000 1000000 10000000

Nothing is trained and no image exists: a manifest is written, and a new process
does what a run does with it.
"""

import functools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from jtr_jax.data.label_splits import resolve
from jtr_jax.data.loading import selection
from jtr_jax.data.loading.order import Shuffled
from jtr_jax.data.records import manifest as manifest_lib
from jtr_jax.data.records.dataset import Dataset
from jtr_jax.data.records.manifest import Manifest, Split

TASKS = {
  "segmentation": {"kind": "segmentation", "classes": ["a", "b", "c"]},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
}
PHASES = ("manifest", "label split", "selection", "first batch")


def write(folder, count):
  """Write a manifest with ids like those of Taskonomy."""
  ids = tuple(
    f"building{n % 25:02}_point_{n // 25}_view_{n % 7}" for n in range(count)
  )
  labelled = {name: np.ones(count, bool) for name in TASKS}
  splits = {"train": Split(ids, labelled)}
  found = Manifest("scale", (256, 256), TASKS, splits, {})
  manifest_lib.write_manifest(found, folder)


def measure(folder, scenario="randomlabels"):
  """Return seconds and peak MB after each phase."""
  start, rows = time.perf_counter(), []

  def end(phase):
    nonlocal start
    rows.append((phase, time.perf_counter() - start, _peak()))
    start = time.perf_counter()

  rows.append(("imports", 0.0, _peak()))
  dataset = Dataset(folder, manifest_lib.read_manifest(folder))
  end("manifest")
  ids = dataset.manifest.split("train").ids
  names = tuple(TASKS)
  draw = functools.partial(
    resolve.make_or_read, ids, names, scenario=scenario, scenario_tasks=names
  )
  labels = draw(seed=0, cache=folder)
  end("label split")
  images = selection.select(dataset, "train", tuple(TASKS), labels.labelled)
  end("selection")
  Shuffled(0, images.size).rows(0, 8)
  end("first batch")
  return rows


def _peak():
  """Return MB, the largest resident memory of this process so far."""
  status = Path("/proc/self/status").read_text()
  (line,) = (x for x in status.splitlines() if x.startswith("VmHWM"))
  return int(line.split()[1]) / 1024


def main(counts):
  """Print two rows for each count: the first start, and any later one."""
  headings = [
    *("images", "start"),
    *(f"{name}, s" for name in PHASES),
    "peak, MB",
  ]
  lines = ["| " + " | ".join(headings) + " |"]
  lines.append("|" + " ---: |" * len(headings))
  for count in counts:
    with tempfile.TemporaryDirectory() as folder:
      write(Path(folder), count)
      for start in ("first", "later"):
        command = [sys.executable, "-m", "tests.data.scale", folder]
        text = subprocess.run(
          command, capture_output=True, text=True, check=True
        ).stdout
        (_, _, before), *rows = json.loads(text)
        cells = [f"{seconds:.2f}" for _, seconds, _ in rows]
        cells.append(f"{rows[-1][2] - before:.0f}")
        lines.append(f"| {count:,} | {start} | " + " | ".join(cells) + " |")
  sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
  given = sys.argv[1:]
  if all(word.isdigit() for word in given):
    main([int(word) for word in given])
  else:
    sys.stdout.write(json.dumps(measure(Path(given[0]))))
