"""Files of a run in a store, that can neither append nor rename."""

import json

import numpy as np
import pytest

from jtr_jax.core import places
from jtr_jax.data.label_splits import text_file
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.workdir import (
  checkpoint_manifest,
  config_file,
  shared_folder,
  text_files,
)
from jtr_jax.workdir.metric_files import MetricWriter, read_rows
from tests.workdir import stores


@pytest.fixture(autouse=True)
def store():
  with stores.store():
    yield


@pytest.fixture
def folder():
  return places.place("gs://bucket/runs/one")


def test_folder_keeps_its_scheme(folder, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  text_files.replace(folder / "a.txt", "x")
  assert str(folder / "a.txt") == "gs://bucket/runs/one/a.txt"
  assert (folder / "a.txt").read_text() == "x"
  assert not list(tmp_path.iterdir())
  assert places.is_stored(folder)
  assert not places.is_stored(places.place(tmp_path))


def test_config_is_written_and_checked(folder):
  config = {"train": {"steps": 3}}
  assert not config_file.check_workdir(folder, config)
  config_file.write_config(folder, config)
  assert config_file.check_workdir(folder, config)
  assert config_file.read_config(folder).config == config
  with pytest.raises(ValueError, match="another config"):
    config_file.check_workdir(folder, {"train": {"steps": 2}})
  assert shared_folder.require_shared(folder) is None


def test_rows_are_there_after_a_flush_and_go_on(folder):
  with MetricWriter(folder) as writer:
    writer.write(1, 0, "train", {"loss": 2.0})
    writer.flush()
    assert [row["step"] for row in read_rows(folder / "metrics.jsonl")] == [1]
    writer.write(2, 0, "train", {"loss": 1.0})
  with MetricWriter(folder, resume_step=1) as writer:
    writer.write(3, 0, "train", {"loss": 0.5})
    writer.write_timing(3, {"images_per_second": 4.0})
  rows = read_rows(folder / "metrics.jsonl")
  assert [(row["step"], row["train/loss"]) for row in rows] == [
    (1, 2.0),
    (3, 0.5),
  ]
  assert (folder / "metrics.csv").read_text().count("\n") == 3
  assert len(read_rows(folder / "timing.jsonl")) == 1
  assert places.files_below(folder / "tensorboard")


def test_labels_come_back(folder):
  labelled = np.array([[True, False], [False, True]])
  split = LabelSplit(("a", "b"), ("depth", "edges"), labelled, {})
  text_file.save_split(folder / "labels.tsv", split)
  found = text_file.load_split(folder / "labels.tsv")
  assert found.ids == split.ids
  np.testing.assert_array_equal(found.labelled, labelled)


def test_damage_of_a_checkpoint_is_noticed(folder):
  text_files.replace_bytes(folder / "state" / "d" / "array", b"1234")
  described = checkpoint_manifest.describe({}, metrics=None, extra=None)
  checkpoint_manifest.write(folder, described, part="state")
  content = json.loads((folder / "manifest.json").read_text())
  assert list(content["files"]) == ["state/d/array"]
  found = checkpoint_manifest.read(folder)
  checkpoint_manifest.check_files(folder, found)
  text_files.replace_bytes(folder / "state" / "d" / "array", b"1235")
  with pytest.raises(ValueError, match="changed or missing"):
    checkpoint_manifest.check_files(folder, found)


def test_runs_below_a_folder_are_found(folder):
  for name in ("depth", "edges"):
    text_files.replace(folder / name / "checkpoints" / "3" / "manifest", "")
  found = places.below(folder, "checkpoints")
  assert [path.parent.name for path in found] == ["depth", "edges"]
