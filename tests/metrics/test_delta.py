import json
import math

import pytest

from jtr_jax.metrics.delta import Baseline, delta_mtl, read_baseline
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation

TASKS = (Segmentation("segmentation", 13), Depth("depth"), Normals("normals"))


def metrics_of(miou, abs_err, mean_deg):
  return {
    "segmentation/miou": miou,
    "depth/abs_err": abs_err,
    "normals/mean_deg": mean_deg,
    "depth/rmse": 1.0,
  }


SUPERVISED = Baseline(
  "Supervised MTL", metrics_of(0.2705, 0.6624, 33.58), "JTR poster"
)


@pytest.mark.parametrize(
  ("ours", "published"),
  [
    ((0.3708, 0.5541, 29.44), 21.92),  # JTR
    ((0.3560, 0.5576, 29.70), 19.66),  # MTPSL
    ((0.3220, 0.6037, 32.07), 10.80),  # perceptual map
    ((0.2950, 0.6224, 33.31), 5.300),  # consistency
    ((0.2705, 0.6624, 33.58), 0.0),
  ],
)
def test_published_improvements_on_nyuv2(ours, published):
  result = delta_mtl(metrics_of(*ours), TASKS, SUPERVISED)
  assert result["delta_mtl"] == pytest.approx(published, abs=0.006)


def test_each_gain_is_positive_where_ours_is_better():
  result = delta_mtl(metrics_of(0.2705 * 1.1, 0.6624, 33.58), TASKS, SUPERVISED)
  assert result["segmentation/gain"] == pytest.approx(10)
  worse = delta_mtl(metrics_of(0.2705, 0.6624 * 1.1, 33.58), TASKS, SUPERVISED)
  assert worse["depth/gain"] == pytest.approx(-10)
  assert worse["delta_mtl"] == pytest.approx(-10 / 3)


def test_without_a_baseline_nothing_is_compared():
  assert delta_mtl(metrics_of(0.3, 0.5, 30), TASKS, None) == {}


def test_undefined_metric_makes_an_undefined_delta():
  result = delta_mtl(metrics_of(0.3, math.nan, 30), TASKS, SUPERVISED)
  assert math.isnan(result["delta_mtl"])


@pytest.mark.parametrize(
  ("theirs", "word"),
  [
    (metrics_of(27.05, 0.66, 33), "in percent"),
    (metrics_of(0.27, 0.0, 33), "depth/abs_err = 0"),
    (metrics_of(0.27, math.nan, 33), "depth/abs_err = nan"),
    ({"segmentation/miou": 0.27, "depth/rmse": 1.0}, "depth/abs_err"),
  ],
)
def test_unusable_baselines_are_refused(theirs, word):
  baseline = Baseline("mine", theirs, "a test")
  with pytest.raises(ValueError, match=word):
    delta_mtl(metrics_of(0.3, 0.5, 30), TASKS, baseline)


def test_baseline_is_read_from_its_file(tmp_path):
  path = tmp_path / "supervised.json"
  content = {
    "name": "Supervised MTL",
    "metrics": dict(SUPERVISED.metrics),
    "source": "JTR poster",
  }
  path.write_text(json.dumps(content))
  assert read_baseline(path) == SUPERVISED


@pytest.mark.parametrize(
  "text",
  [
    "{",
    "[]",
    '{"name": "x", "metrics": {}}',
    '{"name": "x", "source": "y", "metrics": {"depth/abs_err": "0.6"}}',
    '{"name": "x", "source": "y", "metrics": {"depth/abs_err": true}}',
  ],
)
def test_file_of_another_form_is_named(tmp_path, text):
  path = tmp_path / "bad.json"
  path.write_text(text)
  with pytest.raises(ValueError, match=r"bad\.json is not a baseline"):
    read_baseline(path)
