"""A run learns tasks of every kind, with any method that takes them."""

import json

import numpy as np
import pytest

from jtr_jax.data.inspect import contents, verification
from jtr_jax.experiment import run
from tests import config_files
from tests.experiment import every_kind

MAPS = ("segmentation", "parts", "saliency", "edges")
COARSE = ("scene", "objects", "brightness", "tokens")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  return every_kind.write(tmp_path_factory.mktemp("data") / "kinds").directory


def settings_of(data, method, tasks, scenario="found"):
  words = f"raw=x,method={method},tasks={'+'.join(tasks)},scenario={scenario}"
  return config_files.settings(
    "folder_jtr",
    words,
    data__name="prepared",
    data__directory=data,
    model__filters="4,4",
    train__batch_size=3,
    train__steps=2,
    evaluate__pictures=2,
    evaluate__batch_size=2,
  )


@pytest.mark.parametrize(
  ("method", "tasks"),
  [
    ("supervised", (*MAPS, *COARSE)),
    ("consistency", COARSE),
    ("jtr", ("edges", "parts", *COARSE)),
    ("mtpsl", MAPS[:3]),
  ],
)
def test_trains_evaluates_and_draws(data, tmp_path, method, tasks):
  run.train(settings_of(data, method, tasks), tmp_path, name="kinds")
  rows = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
  last = [row for row in rows if row["split"] == "val"][-1]
  measured = {k: v for k, v in last.items() if k.count("/") and k[:3] == "val"}
  for task in tasks:
    values = [v for k, v in measured.items() if k.startswith(f"val/{task}/")]
    assert values, task
    assert np.isfinite(np.array(values, float)).all(), task
  assert list(tmp_path.rglob("predictions.png"))


def test_inspection_tells_and_draws_every_kind(data):
  from jtr_jax.data.inspect import picture_sheet, report

  found = contents.open_contents(data)
  text = report.report(data, found)
  for task, options in every_kind.TASKS.items():
    assert f"{task}  " in text
    assert options["kind"] in text
  assert "scene: class" in text
  sheet = picture_sheet.draw_sheet(found, "train")
  assert np.unique(np.asarray(sheet)).size > 50
  assert verification.verify(data).problems == []
