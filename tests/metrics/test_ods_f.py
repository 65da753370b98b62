import numpy as np
import pytest
from PIL import Image
from scipy import optimize

from jtr_jax.metrics import ods_f
from tests.config_files import ROOT

RECORDED = np.load(ROOT / "tests" / "golden" / "edge_maps.npz")


def total(predictions, truths, **options):
  parts = [
    ods_f.boundary_counts(p, t, **options)
    for p, t in zip(predictions, truths, strict=True)
  ]
  return ods_f.Counts(*(np.sum(x, axis=0) for x in zip(*parts, strict=True)))


@pytest.mark.parametrize("max_dist", [0.0075, 0.02])
def test_equals_an_independent_computation_on_recorded_maps(max_dist):
  counts = total(
    RECORDED["prediction"] / 255, RECORDED["truth"], max_dist=max_dist
  )
  for name, found in counts._asdict().items():
    np.testing.assert_array_equal(found, RECORDED[f"{name}_{max_dist}"])
  assert ods_f.best_scale(counts).f == pytest.approx(
    float(RECORDED[f"f_{max_dist}"]), abs=1e-9
  )


@pytest.mark.parametrize("seed", range(4))
def test_matching_is_the_largest(seed):
  rng = np.random.default_rng(seed)
  edges, truth = rng.random((2, 9, 11)) < 0.25
  radius = (1.0, 1.5, 2.0, 2.9)[seed]
  here, there = np.argwhere(edges), np.argwhere(truth)
  distance = np.linalg.norm(here[:, None] - there[None], axis=-1)
  cost = -(distance <= radius).astype(float)
  expected = -cost[optimize.linear_sum_assignment(cost)].sum()
  assert ods_f.largest_matching(edges, truth, radius) == expected


def test_no_pixel_has_two_partners():
  truth = np.zeros((20, 20), bool)
  truth[10] = True
  double = np.zeros((20, 20))
  double[[9, 12]] = 0.8  # two lines for one
  counts = ods_f.boundary_counts(double, truth, max_dist=2.5 / np.hypot(20, 20))
  result = ods_f.best_scale(counts)
  assert (result.precision, result.recall) == (0.5, 1)
  assert result.f == pytest.approx(2 / 3)


def test_thinning_leaves_lines():
  thick = np.zeros((12, 16), bool)
  thick[3:8, 2:14] = True
  line = ods_f.thin(thick)
  assert line.sum() == line[5].sum()
  assert 7 <= line.sum() <= 12
  one = np.zeros((5, 5), bool)
  one[2, 1:4] = True
  np.testing.assert_array_equal(ods_f.thin(one), one)
  assert ods_f.thin(np.ones((1, 1), bool)).all()


def test_nothing_predicted_or_nothing_true():
  none, some = np.zeros((6, 6)), np.eye(6)
  assert ods_f.best_scale(ods_f.boundary_counts(none, some > 0)).f == 0
  counts = ods_f.boundary_counts(some, none > 0)
  assert ods_f.best_scale(counts).f == 0
  assert counts.predicted[0] == 6


def write(folder, arrays):
  folder.mkdir()
  for name, array in arrays.items():
    if array.dtype.kind == "f":
      np.save(folder / f"{name}.npy", array)
    else:
      Image.fromarray(array).save(folder / f"{name}.png")


def test_command_reads_two_folders(tmp_path, capsys):
  maps = {f"{i}": RECORDED["prediction"][i][:24, :32] for i in range(2)}
  truths = {f"{i}": RECORDED["truth"][i][:24, :32] for i in range(2)}
  write(tmp_path / "p", {"0": maps["0"], "1": maps["1"] / 255})
  write(
    tmp_path / "t", {n: t.astype(np.uint8) * 255 for n, t in truths.items()}
  )
  assert ods_f.main([str(tmp_path / "p"), str(tmp_path / "t")]) == 0
  counts = total([m / 255 for m in maps.values()], truths.values())
  assert f"odsF {ods_f.best_scale(counts).f:.4f}" in capsys.readouterr().out
  (tmp_path / "t" / "1.png").unlink()
  assert ods_f.main([str(tmp_path / "p"), str(tmp_path / "t")]) == 1
  assert "1 in one of them" in capsys.readouterr().err
  write(tmp_path / "s", {n: t[:5].astype(np.uint8) for n, t in truths.items()})
  assert ods_f.main([str(tmp_path / "p"), str(tmp_path / "s")]) == 1
  assert "another size than its edges" in capsys.readouterr().err
