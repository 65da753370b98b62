"""Workdirs that an earlier program left are evaluated, and go on as they did.

`tests/golden/old_workdir/README.md` says what is recorded.
"""

import json
import shutil

import pytest

from jtr_jax import main
from jtr_jax.config import resolve
from jtr_jax.experiment import kinds
from jtr_jax.workdir.metric_files import read_rows
from tests import config_files, small_config

OLD = config_files.ROOT / "tests/golden/old_workdir"
RECORDED = ("continued.jsonl", "evaluation.json")
CONFIGS = {
  "ial": "rooms_supervised.py:scenario=full,balancing=ial,",
  "jtr": "rooms_demo.py:",
}
# Runs of that time began with the other reading of IAL's "initialised to 0.1".
OWN = {"ial": {"balancing__loss__initial_weight": 0.1}, "jtr": {}}
CHANGES = {
  "augment__enabled": False,
  "checkpoint__every_epochs": 6,
  "checkpoint__keep_latest": 1,
  "evaluate__diagnosed": 0,
  "evaluate__every_epochs": 6,
  "evaluate__pictures": 0,
  "log__every_steps": 1,
  "train__epochs": 8,
}
# For what steps compute, on any CPU. Adam makes full steps of rounding errors
# where a gradient is 0, as of a bias before batch norm; evaluation sees those.
TRAIN, EVALUATION = 5e-5, 3e-2


def copy(name, rooms, folder):
  """Copy an old workdir; its data lie where this process prepared them."""
  ignored = shutil.ignore_patterns(*RECORDED)
  place = shutil.copytree(OLD / name, folder / name, ignore=ignored)
  config = place / "config.json"
  text = config.read_text().replace('"data/rooms"', json.dumps(str(rooms)))
  config.write_text(text)
  return place


@pytest.mark.parametrize("name", CONFIGS)
def test_old_run_is_evaluated(name, rooms, tmp_path):
  workdir = copy(name, rooms, tmp_path)
  kinds.evaluate(workdir, which="latest")
  found = json.loads((workdir / "evaluation.json").read_text())
  expected = json.loads((OLD / name / "evaluation.json").read_text())
  metrics = pytest.approx(expected["metrics"], rel=1e-5)
  assert found == {**expected, "metrics": metrics}


@pytest.mark.parametrize("name", CONFIGS)
def test_old_run_goes_on_as_it_did(name, rooms, tmp_path):
  workdir = copy(name, rooms, tmp_path)
  file = f"{config_files.ROOT}/configs/{CONFIGS[name]}tasks=segmentation+depth"
  words = small_config.flags(rooms, **CHANGES, **OWN[name])
  config = config_files.from_flags([f"--config={file}", *words[1:]])
  main.train(resolve.resolve(config), workdir)
  found = read_rows(workdir / "metrics.jsonl")
  expected = read_rows(OLD / name / "continued.jsonl")
  assert [row["step"] for row in found] == [row["step"] for row in expected]
  assert expected[-1]["step"] == 16
  tolerances = {"train": TRAIN, "val": EVALUATION}
  for row, recorded in zip(found, expected, strict=True):
    for name, value in recorded.items():
      if row["step"] > 12 and isinstance(value, float):
        value = pytest.approx(value, rel=tolerances[row["split"]])
      assert row[name] == value, (row["step"], name)
