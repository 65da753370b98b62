import math

import pytest

from jtr_jax.metrics.summary import Measure, acc_mtl, mean_gain, relative_gain


def test_gain_is_positive_where_better():
  assert relative_gain(Measure(0.5, 1), 0.4) == pytest.approx(25)
  assert relative_gain(Measure(0.3, -1), 0.4) == pytest.approx(25)


def test_both_conventions_of_delta():
  miou, depth = Measure(0.44, 1), Measure(0.9, -1)
  share = Measure(0.6, 1)
  one_each = [([miou], [0.4]), ([depth], [1.0])]
  assert mean_gain(one_each) == pytest.approx(10)
  all_of_them = [([miou], [0.4]), ([depth, share], [1.0, 0.5])]
  assert mean_gain(all_of_them) == pytest.approx((10 + (10 + 20) / 2) / 2)


def test_acc_mtl_is_a_mean_of_means():
  tasks = [[Measure(0.25, 1)], [Measure(0.5, 1), Measure(2.0, -1)]]
  assert acc_mtl(tasks) == pytest.approx(math.sqrt(0.25 * 0.5))
  assert acc_mtl([[Measure(0.0, 1)]]) == 0
