import dataclasses
import json
import re

import numpy as np
import pytest

from jtr_jax.benchmark import __main__
from jtr_jax.config import presets, resolve
from tests import small_config


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory):
  return tmp_path_factory.mktemp("data") / "rooms"


@pytest.fixture(scope="module")
def measurement(nowhere):
  config = small_config.config(nowhere, train__steps_per_dispatch=2)
  presets.use_method(config, "supervised")
  return __main__.measure_settings(resolve.resolve(config), runs=3)


def test_measures_the_step_of_the_config(measurement):
  assert measurement.images == 4
  assert len(measurement.step_seconds) == 3
  assert min(measurement.step_seconds) > 0
  assert measurement.compile_seconds > 0
  assert measurement.argument_bytes > 8 * 32 * 32 * 3
  assert measurement.peak_bytes > measurement.argument_bytes


def test_counts_the_arithmetic(measurement):
  """At least that of the convolutions of SegNet at full size."""
  pixels, filters = 4 * 32 * 32, 4
  forward = 2 * pixels * 9 * filters * (3 + 3 * filters)
  assert 3 * forward < measurement.flops < 1e3 * forward


def test_text_and_json_agree(measurement):
  found = json.loads(measurement.to_json())
  text = measurement.to_text()

  def number(row):
    match = re.search(rf"^{row} +([\d.]+)", text, re.MULTILINE)
    return float(match.group(1))

  for row, value in {
    "trace": found["trace_seconds"],
    "compile": found["compile_seconds"],
    "step": 1e3 * found["median_seconds"],
    "images": found["images_per_second"],
    "arithmetic": 1e-9 * found["flops"],
    "arguments": found["argument_bytes"] / 2**20,
    "peak memory": found["peak_bytes"] / 2**20,
  }.items():
    assert abs(number(row) - value) <= 0.05 + 1e-9, row
  median = np.median(found["step_seconds"])
  assert found["images_per_second"] == 4 / median


def test_touches_no_data(measurement, nowhere):
  assert not nowhere.exists()


def test_balancings_are_compared_with_uniform(
  measurement, nowhere, monkeypatch
):
  asked = []

  def measured(settings, *, runs):
    own = settings.balancing
    asked.append((own.loss.name, own.gradient.name, own.scope))
    seconds = (0.01 * len(asked),) * runs
    size = 2**20 * len(asked)
    return dataclasses.replace(
      measurement, step_seconds=seconds, temporary_bytes=size
    )

  monkeypatch.setattr(__main__, "measure_settings", measured)
  settings = small_config.settings(nowhere)
  names = ["uw", "imtl@last_shared_layer"]
  lines = list(__main__.compare_balancings(settings, names, runs=2))
  assert asked == [
    ("uniform", "none", "default"),
    ("uw", "none", "default"),
    ("imtl_l", "imtl_g", "last_shared_layer"),
  ]
  assert lines[-1] == "| imtl@last_shared_layer | 30.00 | 3.000 | 3.0 | 3.00 |"
  assert settings.balancing.loss.name == "uniform"


def test_an_unknown_balancing_is_told_before_anything_is_measured(nowhere):
  settings = small_config.settings(nowhere)
  lines = __main__.compare_balancings(settings, ["uw", "pcgrod"], runs=2)
  with pytest.raises(ValueError, match="pcgrad"):
    next(lines)
