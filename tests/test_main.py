import json
import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from jtr_jax import main
from jtr_jax.experiment import evaluation, kinds, setup
from jtr_jax.train.dispatch import make_mesh
from jtr_jax.workdir.metric_files import read_rows
from tests import small_config


@pytest.fixture(scope="module")
def settings(rooms):
  return small_config.settings(rooms)


@pytest.fixture(scope="module")
def finished(settings, tmp_path_factory):
  """A workdir whose run has ended."""
  folder = tmp_path_factory.mktemp("finished")
  main.train(settings, folder, name=small_config.FILE)
  return folder


@pytest.fixture
def copy(finished, tmp_path):
  return shutil.copytree(finished, tmp_path / "copy")


def content(folder):
  """Return what every file of a workdir holds, by name."""
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in sorted(folder.rglob("*"))
    if path.is_file() and "tensorboard" not in path.parts
  }


def last_state(settings, folder):
  made = setup.make_experiment(settings, folder)
  restored = setup.restore_state(made, "latest")
  return jax.device_get(restored.state)


def test_run_leaves_its_files(finished):
  assert {path.name for path in finished.iterdir()} == {
    "RESULT.md",
    "checkpoints",
    "config.json",
    "labels.tsv",
    "metrics.csv",
    "metrics.jsonl",
    "network.json",
    "pictures",
    "result.json",
    "tensorboard",
    "timing.jsonl",
  }
  rows = read_rows(finished / "metrics.jsonl")
  steps = [row["step"] for row in rows if row["split"] == "train"]
  assert steps == [*range(3, 25, 3)]
  assert [r["step"] for r in rows if r["split"] == "val"] == [10, 20, 24]
  assert rows[-1]["epoch"] == 12


def test_training_lowers_the_losses(finished):
  rows = read_rows(finished / "metrics.jsonl")
  losses = [row["train/total/loss"] for row in rows if row["split"] == "train"]
  assert losses[-1] < 0.9 * losses[0]


def test_card_says_what_was_reached(finished):
  card = json.loads((finished / "result.json").read_text())
  text = (finished / "RESULT.md").read_text()
  rows = read_rows(finished / "metrics.jsonl")
  values = {row["step"]: row for row in rows if row["split"] == "val"}
  last, best = card["outcomes"]
  assert last["step"] == 24
  assert best["selected_by"] == "segmentation/miou"
  assert best["optimistic"]
  assert best["step"] == max(
    values, key=lambda s: values[s]["val/segmentation/miou"]
  )
  for outcome in (last, best):
    for name, value in outcome["metrics"].items():
      assert value == values[outcome["step"]][f"val/{name}"]
  assert set(card["label_counts"]) == {"segmentation", "depth"}
  assert 8 <= sum(card["label_counts"].values()) <= 16
  assert card["delta"] == "not computed (no baseline given)"
  for part in ("rooms_demo.py", "randomlabels", "seed 0", "jax ", "Delta_MTL"):
    assert part in text


def test_pictures_show_something(finished):
  for name in ("predictions.png", "reconstructions.png"):
    pixels = np.asarray(Image.open(finished / "pictures" / name))
    assert pixels.shape[1] > 5 * 32
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_finished_run_prints_its_card_again(settings, copy, capsys):
  before = content(copy)
  main.train(settings, copy, name=small_config.FILE)
  assert capsys.readouterr().out == (copy / "RESULT.md").read_text()
  assert content(copy) == before


@pytest.mark.parametrize("which", ["latest", "best"])
def test_evaluation_finds_the_metrics_of_the_run(
  which, copy, capsys, monkeypatch
):
  forbidden = lambda *_, **__: pytest.fail("loads the training split")
  monkeypatch.setattr(setup, "make_train_feed", forbidden)
  shutil.rmtree(copy / "pictures")
  kinds.evaluate(copy, which=which)
  result = json.loads((copy / "evaluation.json").read_text())
  card = json.loads((copy / "result.json").read_text())
  expected = card["outcomes"][which == "best"]
  assert result["step"] == expected["step"]
  assert result["split"] == "val"
  assert result["metrics"].keys() == expected["metrics"].keys()
  for name, value in expected["metrics"].items():
    np.testing.assert_allclose(result["metrics"][name], value, rtol=1e-6)
  assert (copy / "pictures" / "predictions.png").exists()
  assert f"step {expected['step']}, split val" in capsys.readouterr().out


def test_other_config_is_refused_with_the_difference(rooms, copy):
  other = small_config.settings(rooms, optimizer__learning_rate=0.5)
  with pytest.raises(ValueError, match="another config") as caught:
    main.train(other, copy)
  line = "optimizer.learning_rate: 0.002 in the workdir, 0.5 now"
  assert line in str(caught.value)
  assert "1 different field" in str(caught.value)


def test_empty_workdir_cannot_be_evaluated(tmp_path):
  with pytest.raises(ValueError, match="no run in this workdir"):
    kinds.evaluate(tmp_path, which="best")


def test_workdir_without_checkpoint_cannot_be_evaluated(copy):
  shutil.rmtree(copy / "checkpoints")
  with pytest.raises(ValueError, match="no checkpoint 'best'"):
    kinds.evaluate(copy, which="best")


def test_damaged_checkpoint_is_named(settings, copy):
  latest = copy / "checkpoints" / "24"
  largest = max(latest.rglob("d/*"), key=lambda path: path.stat().st_size)
  damaged = bytearray(largest.read_bytes())
  damaged[len(damaged) // 2] ^= 0xFF
  largest.write_bytes(damaged)
  for attempt in (
    lambda: main.train(settings, copy),
    lambda: kinds.evaluate(copy, which="latest"),
  ):
    with pytest.raises(ValueError, match="cannot be read") as caught:
      attempt()
    assert str(latest) in str(caught.value)
    assert "resume from step 20" in str(caught.value)


def test_foreign_checkpoint_is_refused(rooms, copy):
  other = small_config.settings(rooms, model__filters=(4, 8))
  with pytest.raises(ValueError, match="of another model") as caught:
    main.train(other, copy, allow_config_change=True)
  assert "encoder1" in str(caught.value)


def test_pictures_can_be_left_out(rooms, tmp_path):
  settings = small_config.settings(rooms, evaluate__pictures=0)
  made = setup.make_experiment(settings, tmp_path / "run")
  evaluation.make_evaluation(made, make_mesh(1)).draw(None)
  assert not (tmp_path / "run").exists()
