import json
import math

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.experiment import results
from jtr_jax.metrics import accumulate
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.segmentation import Segmentation

SIZE = (1, 2, 2)
TASKS = (Segmentation("segmentation", 4), Depth("depth"))


def label(value, present):
  valid = np.ones(SIZE, bool)
  return Label(jnp.asarray(value), jnp.asarray(valid), jnp.asarray([present]))


@pytest.fixture
def metrics():
  """Of an image in which two classes do not occur, without a depth label."""
  ids = np.array([[[0, 1], [1, 1]]])
  scores = np.eye(4, dtype=np.float32)[np.array([[[0, 0], [1, 1]]])]
  labels = {
    "segmentation": label(ids, present=True),
    "depth": label(np.ones((*SIZE, 1), np.float32), present=False),
  }
  predictions = {"segmentation": scores, "depth": np.ones((*SIZE, 1))}
  sums = {
    task.name: task.metric_sums(
      jnp.asarray(predictions[task.name]), labels[task.name]
    )
    for task in TASKS
  }
  return accumulate.values(TASKS, accumulate.add({}, sums))


def test_evaluation_without_a_value_is_null(metrics, tmp_path, capsys):
  results.write_evaluation(tmp_path, 7, "val", metrics)

  def refuse(constant):
    pytest.fail(f"{constant} is not JSON")

  text = (tmp_path / "evaluation.json").read_text()
  content = json.loads(text, parse_constant=refuse)
  found = content["metrics"]
  assert (content["step"], content["split"]) == (7, "val")
  assert found.keys() == metrics.keys()
  assert found["segmentation/miou"] == pytest.approx((1 / 2 + 2 / 3) / 2)
  assert found["segmentation/pixel_accuracy"] == 0.75
  for name in TASKS[1].metrics:
    assert math.isnan(metrics[f"depth/{name}"])
    assert found[f"depth/{name}"] is None
  shown = capsys.readouterr().out
  assert "step 7, split val" in shown
  assert "nan" in shown
