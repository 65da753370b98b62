import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from jtr_jax.config import saved
from jtr_jax.report import __main__ as command
from jtr_jax.report import curves, page, pictures, runs, sections, tables
from jtr_jax.report.runs import Series
from jtr_jax.workdir import picture_sheets, result_card, sheet_files
from jtr_jax.workdir.result_card import Outcome, ResultCard
from tests import small_config

DIRECTIONS = {"segmentation/miou": 1, "depth/abs_err": -1}


def write(folder, *, seed=0, learning_rate=1e-3, miou=0.3):
  """Return what a finished run of a seed, a rate and a result leaves."""
  settings = small_config.settings(
    "data", seed=seed, optimizer__learning_rate=learning_rate
  )
  saved.write(folder, settings)
  metrics = {"segmentation/miou": miou, "depth/abs_err": 0.8}
  card = ResultCard(
    name="test",
    outcomes=(Outcome("last", 3, "val", metrics),),
    directions=DIRECTIONS,
    baseline=None,
    seeds={"seed": seed},
    scenario="full",
    label_counts={"segmentation": 8, "depth": 8},
    images=8,
    versions={},
    config="test",
  )
  result_card.write(folder, card)
  rows = [
    {"step": 1, "epoch": 0, "split": "train", "train/depth/loss": 2.5},
    {"step": 2, "epoch": 0, "split": "train", "train/depth/loss": None},
    {"step": 3, "epoch": 1, "split": "train", "train/depth/loss": 1.5},
    {"step": 3, "epoch": 1, "split": "train", "train/weight/depth": 0.7},
    {"step": 3, "epoch": 1, "split": "val", "val/segmentation/miou": miou},
  ]
  text = "".join(json.dumps(row) + "\n" for row in rows)
  (folder / "metrics.jsonl").write_text(text)
  draw_pictures(folder, shade=int(255 * miou))
  return folder


def draw_pictures(folder, shade):
  size = (16, 16, 3)
  columns = [
    ("", "input", 10),
    ("depth", "label", 90),
    ("depth", "prediction", shade),
  ]
  drawn = [
    picture_sheets._Column(g, c, [np.full(size, s, np.uint8)])
    for g, c, s in columns
  ]
  (folder / "pictures").mkdir(exist_ok=True)
  sheet = picture_sheets._sheet(drawn, [])
  sheet_files.save(sheet, folder / "pictures" / "predictions.png")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
  """Two seeds each of two learning rates."""
  root = tmp_path_factory.mktemp("runs")
  return [
    write(root / "slow_0", seed=0, miou=0.30),
    write(root / "slow_1", seed=1, miou=0.40),
    write(root / "fast_0", seed=0, miou=0.35, learning_rate=1e-2),
    write(root / "fast_1", seed=1, miou=0.46, learning_rate=1e-2),
  ]


def words(html):
  return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_page_is_one_file_with_all_parts(experiment, tmp_path, capsys):
  out = tmp_path / "report.html"
  assert command.main([*map(str, experiment), f"--out={out}"]) == 0
  assert "4 runs" in capsys.readouterr().out
  text = out.read_text()
  for part in ("Results", "Paired differences", "Losses", "Balancing"):
    assert f"<h2>{part}</h2>" in text
  assert not re.search(r'(src|href)="(?!data:|#)', text)
  assert "http" not in text.replace("http-equiv", "")
  assert "prefers-color-scheme: dark" in text
  assert command.main([*map(str, experiment), f"--out={out}"]) == 0


def test_results_are_means_of_seeds(experiment):
  groups = runs.grouped(runs.read(experiment))
  shown = words(tables.results(groups))
  assert "segmentation/miou ↑ 0.35 ± 0.071 0.405 ± 0.078" in shown
  assert "<b>0.405 ± 0.078</b>" in tables.results(groups)


def test_differences_are_taken_seed_by_seed(experiment):
  html = tables.paired(runs.grouped(runs.read(experiment)))
  assert "segmentation/miou ↑ +0.055 ± 0.005 (n=2)" in words(html)
  assert '<span class="good">+0.055' in html
  depth = next(row for row in html.split("<tr>") if "depth/abs_err" in row)
  assert "+0 ± 0 (n=2)" in words(depth)
  assert "good" not in depth


def test_configs_are_compared_where_they_differ(experiment):
  differing = runs.differing_fields(runs.read(experiment))
  assert differing == {
    "seed": [0, 1, 0, 1],
    "optimizer.learning_rate": [1e-3, 1e-3, 1e-2, 1e-2],
  }


def test_series_leave_out_what_is_not_finite(experiment):
  (run, *_) = runs.read(experiment)
  assert run.series["train/depth/loss"] == Series((1, 3), (2.5, 1.5))
  assert run.name == "slow_0"


@pytest.mark.parametrize(
  ("name", "part"),
  [
    ("val/depth/abs_err", "Metrics"),
    ("train/depth/loss", "Losses"),
    ("train/weight/depth", "Balancing"),
    ("train/gradient/norm", "Balancing"),
    ("train/regularizer/jtr_distance", "Diagnostics of the method"),
  ],
)
def test_numbers_have_their_part_of_the_page(name, part):
  assert sections.section(name) == part


def test_same_images_stand_beside_each_other(experiment):
  html = pictures.section(runs.read(experiment))
  (block,) = html.split("<h3>")[1:]
  assert block.startswith("Image 1: depth")
  names = re.findall(r"<figcaption>(.*?)</figcaption>", block)
  shown = [words(name).strip() for name in names]
  assert shown == ["input", "label", "slow_0", "slow_1", "fast_0", "fast_1"]


def test_sheets_of_older_programs_are_shown_whole(experiment, tmp_path):
  old = shutil.copytree(experiment[0], tmp_path / "old")
  path = old / "pictures" / "predictions.png"
  Image.new("RGB", (40, 20)).save(path)
  html = pictures.section(runs.read([old]))
  assert "<details" in html
  assert "predictions of" in words(html)


def test_tiles_of_a_sheet_are_found_again(experiment):
  with Image.open(experiment[0] / "pictures" / "predictions.png") as sheet:
    tiles = sheet_files.read_tiles(sheet)
    (label,) = (tile for tile in tiles if tile.caption == "label")
    assert label.group == "depth"
    assert np.all(np.asarray(sheet.crop(label.box)) == 90)


def test_unfinished_runs_are_watched(experiment, tmp_path, monkeypatch):
  training = shutil.copytree(experiment[0], tmp_path / "training")
  card = (training / "result.json").read_text()
  (training / "result.json").unlink()
  out = tmp_path / "report.html"
  seen = []

  def sleep(seconds):
    seen.append((seconds, out.read_text()))
    (training / "result.json").write_text(card)

  monkeypatch.setattr(command.time, "sleep", sleep)
  assert command.main([str(training), f"--out={out}", "--watch=7"]) == 0
  ((seconds, first),) = seen
  assert seconds == 7
  assert '<meta http-equiv="refresh" content="7">' in first
  assert "<td>training</td>" in first
  assert "http-equiv" not in out.read_text()


def test_ticks_are_round():
  assert curves.ticks(0.03, 0.99) == pytest.approx([0.2, 0.4, 0.6, 0.8])
  assert curves.ticks(0, 4000) == [0, 1000, 2000, 3000, 4000]
  assert curves.ticks(-1e-5, 1e-5) == pytest.approx(
    [-1e-5, -5e-6, 0, 5e-6, 1e-5]
  )


def test_long_series_are_thinned_to_means():
  series = Series(tuple(range(1000)), tuple(map(float, range(1000))))
  thin = curves.thinned(series)
  assert len(thin.steps) == 250
  assert (thin.steps[0], thin.values[0]) == (3, 1.5)
  assert (thin.steps[-1], thin.values[-1]) == (999, 999.0)


def test_charts_stay_inside_of_their_frame():
  peak = Series(tuple(range(100)), (1e6, *[1.0 + i / 99 for i in range(99)]))
  html = curves.chart("loss", [curves.Curve(9, "a<b", peak)])
  points = re.search(r'points="([^"]+)"', html)[1].split()
  heights = [float(point.split(",")[1]) for point in points]
  assert min(heights) >= 0
  assert max(heights) <= curves.HEIGHT
  assert max(heights) - min(heights) > 100
  assert 'class="run c1 dashed"' in html
  assert "a&lt;b: 1.99 at 99" in html


def test_one_constant_number_is_a_chart():
  html = curves.chart("zero", [curves.Curve(0, "a", Series((5,), (0.0,)))])
  assert "NaN" not in html


@pytest.mark.parametrize(
  ("given", "message"),
  [
    (["EMPTY"], "no run in this workdir"),
    (["RUN", "--out=OTHER"], "a file that is no report"),
    (["RUN", "--out=EMPTY"], "a folder"),
    (["RUN", "--out=EMPTY/none/report.html"], "no folder"),
  ],
)
def test_bad_input_ends_with_one_message(
  given, message, experiment, tmp_path, capsys
):
  (tmp_path / "empty").mkdir()
  (tmp_path / "other.html").write_text("theirs")
  places = {
    "EMPTY": tmp_path / "empty",
    "RUN": experiment[0],
    "OTHER": tmp_path / "other.html",
  }
  for name, path in places.items():
    given = [word.replace(name, str(path)) for word in given]
  assert command.main([f"--out={tmp_path / 'new.html'}", *given]) == 1
  shown = capsys.readouterr().err
  assert message in shown
  assert shown.count("\n") == 1
  assert not (tmp_path / "new.html").exists()
  assert (tmp_path / "other.html").read_text() == "theirs"


def test_a_run_that_has_not_begun_is_named(tmp_path):
  begun = write(tmp_path / "begun")
  (begun / "metrics.jsonl").unlink()
  with pytest.raises(ValueError, match="nothing to report"):
    runs.read([begun])


def test_one_run_has_a_page_too(experiment):
  text = page.page(runs.read(experiment[:1]))
  assert "<h1>1 run</h1>" in text
  assert "Paired differences" not in text
