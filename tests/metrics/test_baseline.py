import json
import math

import pytest

from jtr_jax.metrics import baseline
from jtr_jax.metrics.baseline import Baseline, read_baseline
from jtr_jax.tables import read

SUPERVISED = Baseline(
  "Supervised MTL",
  {
    "segmentation/miou": 0.2705,
    "depth/abs_err": 0.6624,
    "normals/mean_deg": 33.58,
  },
  "JTR poster",
)

# Published baseline -> the table and the row that it is copied from.
ROWS = {
  "jtr_nyuv2_full_supervised": ("jtr_1", "fully_labelled/supervised_quoted"),
  "jtr_cityscapes_full_supervised": (
    "jtr_2",
    "fully_labelled/supervised_quoted",
  ),
  "jtr_cityscapes_onelabel_supervised": ("jtr_2", "onelabel/supervised_quoted"),
  "jtr_nyuv2_randomlabels_supervised_resnet50": (
    "jtr_15",
    "randomlabels/supervised",
  ),
  "jtr_cityscapes_onelabel_stl": ("jtr_11", "cityscapes_onelabel/stl"),
  "jtr_cityscapes_onelabel_supervised_randaugment": (
    "jtr_10",
    "cityscapes_onelabel/supervised",
  ),
  "ial_nyuv2_full_stl": ("ial_I", "nyuv2/single"),
  "ial_cityscapes_full_stl": ("ial_I", "cityscapes/single"),
  "ial_pascal_context_full_stl": ("ial_III", "pascal/single"),
  "amtl_nyuv2_full_stl_deeplabv3": ("amtl_D", "nyuv2/single"),
  "amtl_nyuv2_full_stl_deeplabv3plus": ("amtl_E", "nyuv2/single"),
  "amtl_nyuv2_full_stl_mobilenetv2": ("amtl_F", "nyuv2/single"),
  "amtl_nyuv2_full_stl_efficientnetv2s": ("amtl_G", "nyuv2/single"),
}
for scenario in ("onelabel", "randomlabels"):
  for name, row in {
    "stl": ("jtr_11", f"nyu_{scenario}/stl"),
    "supervised": ("jtr_1", f"{scenario}/supervised_quoted"),
    "supervised_randaugment": ("jtr_10", f"nyu_{scenario}/supervised"),
  }.items():
    ROWS[f"jtr_nyuv2_{scenario}_{name}"] = row
for percent in (30, 50, 70):
  for data, table in {
    "nyuv2_randomlabels": "jtr_4",
    "cityscapes_onelabel": "jtr_5",
  }.items():
    ROWS[f"jtr_{data}_unlabelled{percent}_supervised"] = (
      table,
      f"unlabelled_{percent}/supervised",
    )

FROM_CODE = {  # released MTPSL code, `stl_performance`
  "mtpsl_nyuv2_full_stl": (37.4474, 0.607902, 25.938105),
  "mtpsl_nyuv2_onelabel_stl": (26.1113, 0.771502, 30.073763),
  "mtpsl_nyuv2_randomlabels_stl": (28.7153, 0.754012, 28.946388),
  "mtpsl_cityscapes_full_stl": (74.07, 0.0124),
  "mtpsl_cityscapes_onelabel_stl": (70.04, 0.0140),
}


def test_every_published_baseline_is_known():
  assert set(baseline.published()) == {*ROWS, *FROM_CODE}


@pytest.mark.parametrize("name", ROWS)
def test_baselines_of_the_papers_are_those_of_their_tables(name):
  own = read_baseline(name)
  table_name, row = ROWS[name]
  table = read.table(table_name)
  (entry,) = read.entries(table, [row])
  expected = {
    column.metric: cell.value / (100 if column.unit == "%" else 1)
    for column, cell in zip(
      entry.group.columns, entry.group.published[entry.row.key], strict=True
    )
    if column.metric
    and not column.metric.endswith("ods_f")  # not measured here
  }
  assert own.metrics == pytest.approx(expected, rel=1e-12)
  assert own.source == table.source
  assert own.name.endswith(f"({table.paper})")


@pytest.mark.parametrize("name", FROM_CODE)
def test_baselines_of_the_released_mtpsl(name):
  own = read_baseline(name)
  miou, *others = FROM_CODE[name]
  keys = ("segmentation/miou", "depth/abs_err", "normals/mean_deg")
  expected = dict(zip(keys, (miou / 100, *others), strict=False))
  assert own.metrics == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", baseline.published())
def test_published_baselines_can_be_divided_by(name):
  own = read_baseline(name)
  assert own.name
  assert own.source
  for metric, value in own.metrics.items():
    assert 0 < value < math.inf
    if metric.endswith("/miou"):
      assert value < 1


def test_baseline_is_read_from_its_file(tmp_path):
  path = tmp_path / "supervised.json"
  content = {
    "name": "Supervised MTL",
    "metrics": dict(SUPERVISED.metrics),
    "source": "JTR poster",
  }
  path.write_text(json.dumps(content))
  assert read_baseline(path) == SUPERVISED


def test_a_file_comes_before_a_published_baseline(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  content = {"name": "mine", "metrics": {"depth/abs_err": 1}, "source": "me"}
  (tmp_path / "ial_nyuv2_full_stl").write_text(json.dumps(content))
  assert read_baseline("ial_nyuv2_full_stl").name == "mine"


def test_a_misspelt_name_is_an_error_that_names_the_nearest():
  with pytest.raises(ValueError, match="mean 'ial_nyuv2_full_stl'"):
    read_baseline("ial_nyu2_full_stl")


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
