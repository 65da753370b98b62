import math

import pytest

from jtr_jax.metrics.summary import Measure, acc_mtl, mean_gain, relative_gain


def test_gain_is_positive_where_better():
  assert relative_gain(Measure(0.5, 1), 0.4) == pytest.approx(25)
  assert relative_gain(Measure(0.3, -1), 0.4) == pytest.approx(25)


def test_delta_is_a_mean_over_metrics_and_then_over_tasks():
  assert mean_gain([[10.0], [20.0]]) == pytest.approx(15)
  assert mean_gain([[10.0], [10.0, 20.0]]) == pytest.approx((10 + 15) / 2)


def test_acc_mtl_is_a_mean_of_means():
  tasks = [[Measure(0.25, 1)], [Measure(0.5, 1), Measure(2.0, -1)]]
  assert acc_mtl(tasks) == pytest.approx(math.sqrt(0.25 * 0.5))
  assert acc_mtl([[Measure(0.0, 1)]]) == 0
