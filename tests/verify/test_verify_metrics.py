import numpy as np
import pytest

from jtr_jax.verify import metrics
from jtr_jax.verify.comparison import RecordError, Recording
from tests import GOLDEN

FILES = ("metrics.npz", "metrics_absent_class.npz")


def arrays_of(file):
  with np.load(GOLDEN / file) as arrays:
    return dict(arrays)


def failed(arrays):
  quantities = metrics.recompute(Recording(arrays))
  return {quantity.name for quantity in quantities if not quantity.passed}


@pytest.mark.parametrize("file", FILES)
def test_recorded_metrics_are_recomputed(file):
  arrays = arrays_of(file)
  quantities = list(metrics.recompute(Recording(arrays)))
  assert all(quantity.passed for quantity in quantities)
  recorded = {name for name in arrays if name.startswith("metric/")}
  assert {q.name for q in quantities} == recorded | {"confusion"}


def test_each_changed_number_is_found():
  arrays = arrays_of("metrics.npz")
  names = {name for name in arrays if name.startswith("metric/")}
  changed = {name: arrays[name] * (1 + 3e-4) for name in names}
  assert failed(arrays | changed) == names


def test_one_changed_pixel_is_found():
  arrays = arrays_of("metrics.npz")
  seg = arrays["seg"].copy()
  seg[0, 0, 0] = (seg[0, 0, 0] + 1) % 13
  assert "confusion" in failed(arrays | {"seg": seg})


def test_absent_class_is_not_compared_where_the_record_has_none():
  arrays = arrays_of("metrics_absent_class.npz")
  assert np.isnan(arrays["metric/miou"])
  number = {"metric/miou": np.float32(0.5)}
  assert failed(arrays | number) == {"metric/miou"}


def test_either_middle_angle_of_an_even_count_is_a_median():
  arrays = arrays_of("metrics.npz")
  normal = np.zeros_like(arrays["normal"])
  normal[0, 2, 0, :2] = 1
  guess = np.zeros_like(normal)
  guess[0, :, 0, :2] = np.array([[0.0, 0.6], [0, 0], [1, 0.8]])
  wide = np.rad2deg(np.arcsin(0.6))
  recorded = {"normal": normal, "normal_pred": guess}
  for median in (0, wide / 2, wide):
    angle = {"metric/normal_median": np.float32(median)}
    assert "metric/normal_median" not in failed(arrays | recorded | angle)
  angle = {"metric/normal_median": np.float32(wide + 0.01)}
  assert "metric/normal_median" in failed(arrays | recorded | angle)


@pytest.mark.parametrize("name", ["confusion", "metric/depth_abs_rel", "seg"])
def test_missing_array_is_named(name):
  arrays = arrays_of("metrics.npz")
  del arrays[name]
  with pytest.raises(RecordError, match=name):
    failed(arrays)


def test_unknown_metric_is_refused():
  arrays = arrays_of("metrics.npz") | {"metric/depth_sq_rel": np.float32(1)}
  with pytest.raises(RecordError, match="depth_sq_rel"):
    failed(arrays)
