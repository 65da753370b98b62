"""Tables run from the command line to the report, on small files."""

import json

import numpy as np
import pytest

from jtr_jax.config import saved
from jtr_jax.tables import read, recorded, results
from jtr_jax.workdir import result_card
from tests.tables.small_runs import RESNET, command, run_table

pytestmark = pytest.mark.usefixtures("nothing_is_learnt")


def test_every_row_and_seed_is_an_ordinary_run(table_10):
  for row in ("supervised", "mtpsl", "jtr"):
    for seed in (3, 4):
      workdir = table_10 / "nyu_onelabel" / row / f"seed{seed}"
      config = saved.read_plain(workdir)
      assert config["method"]["name"] == row
      assert config["seed"] == config["data"]["split_seed"] == seed
      assert config["data"]["scenario"] == "onelabel"
      assert config["train"]["steps"] == 2
      assert result_card.read(workdir).outcome("last").step == 2
  assert not (table_10 / "cityscapes_onelabel").exists()


def test_labels_of_rows_are_the_same_and_those_of_seeds_are_not(table_10):
  labels = {
    (row, seed): (
      table_10 / "nyu_onelabel" / row / f"seed{seed}" / "labels.tsv"
    ).read_text()
    for row in ("supervised", "jtr")
    for seed in (3, 4)
  }
  assert labels["supervised", 3] == labels["jtr", 3]
  assert labels["jtr", 3] != labels["jtr", 4]


def test_what_is_finished_is_not_run_again(table_10, nyu, capsys):
  times = {p: p.stat().st_mtime_ns for p in table_10.rglob("result.json")}
  assert len(times) == 6
  code = run_table(
    "jtr_10", table_10, nyu, "--rows=nyu_onelabel", "--seeds=3,4"
  )
  assert code == 0
  shown = capsys.readouterr().out
  assert shown.count("was there") == 6
  assert times == {
    p: p.stat().st_mtime_ns for p in table_10.rglob("result.json")
  }


def metric(folder, row, seed, name):
  workdir = folder / "nyu_onelabel" / row / f"seed{seed}"
  return result_card.read(workdir).outcome("last").metrics[name]


def test_report_has_ours_beside_published(table_10, capsys):
  assert command("report", "jtr_10", f"--runs={table_10}") == 0
  text = capsys.readouterr().out
  values = [
    100 * metric(table_10, "jtr", s, "segmentation/miou") for s in (3, 4)
  ]
  mean, half = sum(values) / 2, abs(values[0] - values[1]) / 2
  deviation = half * 2**0.5
  assert f"| {mean:.2f} ± {deviation:.2f} |" in text
  assert f"| {mean - 31.96:+.2f} |" in text
  assert "| Ours (JTR) | published | 31.96 | 0.5919 | 30.80 | +23.02 |" in text
  assert "nyu_onelabel/jtr: jtr on nyuv2, onelabel, 12 images, step 2" in text
  assert "seeds 3, 4" in text


def test_one_file_holds_all_runs_and_the_report_is_made_from_it(
  table_10, tmp_path, capsys
):
  path = tmp_path / "runs.json"
  assert command("collect", f"--runs={table_10}", f"--out={path}") == 0
  assert "6 runs" in capsys.readouterr().out
  content = json.loads(path.read_text())["runs"]
  assert [(one["row"], one["seed"]) for one in content[:2]] == [
    ("nyu_onelabel/jtr", 3),
    ("nyu_onelabel/jtr", 4),
  ]
  assert all(isinstance(one["revision"], str) for one in content)
  pages = []
  for place in (table_10, path):
    assert command("report", "jtr_10", f"--runs={place}") == 0
    pages.append(capsys.readouterr().out)
  assert pages[0] == pages[1]


@pytest.mark.parametrize("text", ["", "[]", '{"form": "x"}', '{"runs": []}'])
def test_another_file_is_no_collection(tmp_path, capsys, text):
  (tmp_path / "other.json").write_text(text)
  assert command("report", "jtr_10", f"--runs={tmp_path / 'other.json'}") == 1
  assert "does not hold runs of a table" in capsys.readouterr().err


def test_delta_is_relative_to_our_own_baseline(table_10):
  entries = read.entries(read.table("jtr_10"), ["nyu_onelabel"])
  ours = {
    e.row.key: results.reached(e, recorded.read(table_10), "last")
    for e in entries
  }
  assert ours["supervised"]["delta"].mean == pytest.approx(0, abs=1e-9)
  names = {"segmentation/miou": 1, "depth/abs_err": -1, "normals/mean_deg": -1}
  gains = []
  for name, direction in names.items():
    base = np.mean([metric(table_10, "supervised", s, name) for s in (3, 4)])
    own = np.mean([metric(table_10, "jtr", s, name) for s in (3, 4)])
    gains.append(100 * direction * (own - base) / base)
  assert ours["jtr"]["delta"].mean == pytest.approx(np.mean(gains))


def test_ial_table_i_runs_single_tasks_and_primary_tasks(nyu, tmp_path, capsys):
  rows = "--rows=nyuv2/single,nyuv2/uw,nyuv2/ial"
  assert run_table("ial_I", tmp_path, nyu, rows, network=RESNET) == 0
  single = tmp_path / "nyuv2" / "single" / "seed0"
  primary = tmp_path / "nyuv2" / "ial" / "seed0"
  for task in ("segmentation", "depth", "normals"):
    assert saved.read_plain(single / task)["tasks"] == (task,)
    config = saved.read_plain(primary / task)
    assert config["balancing"]["primary"] == task
    assert config["balancing"]["gradient"]["name"] == "ial"
    column = result_card.read(primary / task).outcome("last").metrics
    combined = result_card.read(primary).outcome("last").metrics
    assert {n: combined[n] for n in column if n.startswith(task)} == {
      n: v for n, v in column.items() if n.startswith(task)
    }
  capsys.readouterr()
  assert command("report", "ial_I", f"--runs={tmp_path}") == 0
  text = capsys.readouterr().out
  assert "| Ours | published | 0.5751 ± 0.0011 | 44.60 ± 0.11 |" in text
  assert text.count("| ours |") == 3
  assert text.count("| distance |") == 3


def test_amtl_table_c_reports_acc_and_delta_over_all_metrics(
  nyu, tmp_path, capsys
):
  rows = "--rows=single,uniform,amtl"
  assert run_table("amtl_C", tmp_path, nyu, rows, network=RESNET) == 0
  (entry,) = read.entries(read.table("amtl_C"), ["amtl"])
  ours = results.reached(entry, recorded.read(tmp_path), "last")
  read_card = lambda row: result_card.read(tmp_path / "nyuv2" / row / "seed0")
  own = read_card("amtl").outcome("last").metrics
  base = read_card("single").outcome("last").metrics
  tasks = {
    "segmentation": {"miou": 1},
    "depth": {"delta1": 1, "rmse": -1},
    "normals": {"mean_deg": -1, "median_deg": -1, "within_11.25": 1},
  }
  gains, logs = [], []
  for task, metrics in tasks.items():
    names = {f"{task}/{name}": sign for name, sign in metrics.items()}
    gains.append(
      np.mean([s * (own[n] / base[n] - 1) for n, s in names.items()])
    )
    logs.append(np.mean([s * np.log(own[n]) for n, s in names.items()]))
  assert ours["delta"].mean == pytest.approx(100 * np.mean(gains))
  assert ours["acc"].mean == pytest.approx(np.exp(np.mean(logs)))
  assert "time" not in ours
  capsys.readouterr()
  assert command("report", "amtl_C", f"--runs={tmp_path}") == 0
  assert f"{ours['acc'].mean:.4f}" in capsys.readouterr().out


def test_rooms_stand_in_for_the_published_data(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  words = ("--rows=nyu_onelabel/supervised", "--config.data.size=(32,32)")
  few = ("--config.data.train_count=6", "--config.data.val_count=2")
  out = tmp_path / "runs"
  assert run_table("jtr_10", out, "rooms", *words, *few) == 0
  card = result_card.read(out / "nyu_onelabel" / "supervised" / "seed0")
  assert card.name == "supervised on rooms"
  assert card.images == 6
