"""Data sets of many images keep ids and presence of labels in files."""

import json
import pickle

import numpy as np
import pytest

from jtr_jax.data.inspect import verification
from jtr_jax.data.label_splits import resolve, scenarios
from jtr_jax.data.loading.selection import select
from jtr_jax.data.records import mapped_ids, prepared
from jtr_jax.data.records.manifest import Manifest, Split, write_manifest
from tests.data.records import fake_dataset

NAMES = ("b", "a", "Zürich_10", "c")


@pytest.fixture
def ids(tmp_path):
  mapped_ids.write(tmp_path / "ids.npy", NAMES)
  return mapped_ids.MappedIds(tmp_path / "ids.npy")


def test_ids_are_a_sequence(ids):
  assert len(ids) == 4
  assert ids[2] == "Zürich_10"
  assert ids[-1] == "c"
  assert ids[1:3] == NAMES[1:3]
  assert tuple(ids) == NAMES
  assert ids == NAMES
  assert ids != NAMES[:3]
  assert "a" in ids
  assert [ids[i] for i in ids.order] == sorted(NAMES)
  again = pickle.loads(pickle.dumps(ids))
  assert again == ids
  assert hash(again) == hash(ids)
  assert len(pickle.dumps(ids)) < 300


def test_what_is_drawn_for_them_is_the_same(ids, tmp_path, monkeypatch):
  for scenario in ("onelabel", "randomlabels+unlabelled50", "full+labelled25"):
    tasks = ("x", "y", "z")
    one, other = (
      scenarios.make_split(scenario, own, tasks, seed=2) for own in (ids, NAMES)
    )
    np.testing.assert_array_equal(one.labelled, other.labelled)
    assert one.ids is ids
  monkeypatch.setattr(mapped_ids, "MANY", 1)
  draw = lambda: resolve.make_or_read(
    ids,
    tasks,
    scenario="onelabel",
    scenario_tasks=tasks,
    seed=0,
    cache=tmp_path,
  )
  first = draw()
  with monkeypatch.context() as patch:
    patch.delattr(scenarios, "make_split")
    np.testing.assert_array_equal(draw().labelled, first.labelled)


@pytest.fixture
def both(dataset, tmp_path, monkeypatch):
  """The same manifest as it is, and with files of its own."""
  folder = tmp_path / "many"
  folder.mkdir()
  for path in dataset.directory.iterdir():
    (folder / path.name).write_bytes(path.read_bytes())
  monkeypatch.setattr(mapped_ids, "MANY", 1)
  write_manifest(dataset.manifest, folder)
  return dataset, prepared.open_dataset(folder)


def test_a_data_set_reads_the_same(both):
  before, after = both
  text = json.loads((after.directory / "manifest.json").read_text())
  assert text["version"] == 2
  assert text["splits"]["train"]["ids"] == "ids-train.npy"
  for name, split in before.manifest.splits.items():
    found = after.manifest.split(name)
    assert found.ids == split.ids
    for task, column in split.labelled.items():
      np.testing.assert_array_equal(found.labelled[task], column)
  records = pickle.loads(pickle.dumps(after.source("train")))
  assert records[1]["id"] == before.source("train")[1]["id"]
  selections = [select(own, "train", fake_dataset.TASKS) for own in both]
  np.testing.assert_array_equal(*(own.present for own in selections))
  assert selections[1].parts[0].ids is after.manifest.split("train").ids
  assert selections[1].parts[0].ids == selections[0].parts[0].ids
  assert verification.verify(after.directory).problems == []


def test_few_images_stay_in_one_file(tmp_path):
  split = Split(("a",), {"depth": np.ones(1, bool)})
  tasks = {"depth": {"kind": "depth"}}
  write_manifest(Manifest("x", (4, 4), tasks, {"train": split}, {}), tmp_path)
  assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
