import math

import pytest

from jtr_jax.metrics import delta
from jtr_jax.metrics.baseline import Baseline, read_baseline
from jtr_jax.metrics.delta import acc_mtl, choose, delta_mtl
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


def test_an_evaluation_adds_what_was_chosen():
  ours = metrics_of(0.3, 0.5, 30)
  found = delta.summaries(ours, TASKS, SUPERVISED, ("depth/rmse",))
  assert found["depth/gain"] == 0  # of the RMSE, which is the same
  expected = math.exp((math.log(0.3) - math.log(1) - math.log(30)) / 3)
  assert found["acc_mtl"] == pytest.approx(expected)
  assert "acc_mtl" not in delta.summaries(ours, TASKS, SUPERVISED)
  assert delta.summaries(ours, TASKS, None) == {}


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


AMTL_RESULT = {  # AMTL supplement, Table D, row AMTL
  "segmentation/miou": 0.4414,
  "depth/delta1": 0.8207,
  "depth/rmse": 0.5674,
  "normals/mean_deg": 20.5774,
  "normals/median_deg": 14.5073,
  "normals/within_11.25": 0.4160,
}


def test_published_delta_over_several_metrics():
  """Averaged over the metrics of a task, then over tasks."""
  baseline = read_baseline("amtl_nyuv2_full_stl_deeplabv3")
  result = delta_mtl(AMTL_RESULT, TASKS, baseline, delta.AMTL)
  assert result["delta_mtl"] == pytest.approx(-2.29, abs=0.01)
  depth = [
    100 * (0.8207 / 0.8087 - 1),
    100 * (1 - 0.5674 / 0.5814),
  ]
  assert result["depth/gain"] == pytest.approx(sum(depth) / 2)


def test_published_acc_mtl():
  assert acc_mtl(AMTL_RESULT, TASKS, delta.AMTL) == pytest.approx(
    0.3899, abs=1e-4
  )
  worse = {**AMTL_RESULT, "depth/rmse": math.nan}
  assert math.isnan(acc_mtl(worse, TASKS, delta.AMTL))


def test_published_delta_with_rmse_as_the_metric_of_depth():
  """IAL, Table I, rows UW and IMTL on NYUv2."""
  baseline = read_baseline("ial_nyuv2_full_stl")
  for numbers, published in (
    ((0.4397, 0.5874, 21.61), -3.31),
    ((0.4372, 0.5791, 20.90), -1.82),
  ):
    ours = dict(zip(delta.IAL, numbers, strict=True))
    result = delta_mtl(ours, TASKS, baseline, delta.IAL)
    assert result["delta_mtl"] == pytest.approx(published, abs=0.02)


def test_a_task_that_is_not_named_has_its_primary_metric():
  assert choose(TASKS, ("depth/rmse",)) == {
    "segmentation": ("segmentation/miou",),
    "depth": ("depth/rmse",),
    "normals": ("normals/mean_deg",),
  }
  assert choose(TASKS)["depth"] == ("depth/abs_err",)


@pytest.mark.parametrize(
  ("names", "word"),
  [
    (("depth/rsme",), "'depth/rmse'"),
    (("dpth/rmse",), "'depth/rmse'"),
    (("depth/rmse", "depth/rmse"), "twice"),
  ],
)
def test_wrong_metrics_are_refused(names, word):
  with pytest.raises(ValueError, match=word):
    choose(TASKS, names)
