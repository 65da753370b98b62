import pickle

import numpy as np
import pytest

from jtr_jax.data.inspect import verification
from jtr_jax.data.loading.selection import select
from jtr_jax.data.records import joined, prepared
from tests.data.records import fake_dataset


def write_part(
  directory, name, tasks=("depth",), size=fake_dataset.SIZE, **more
):
  options = {task: fake_dataset.TASKS[task] for task in tasks} | more
  full = [fake_dataset.full_arrays(i) for i in range(3)]
  rows = [
    (f"{name}_{i}", {k: a[k][: size[0]] for k in ("image", *options)})
    for i, a in enumerate(full)
  ]
  return prepared.write_dataset(
    directory / name,
    name,
    tasks=options,
    size=size,
    splits={"train": rows[:2], "val": rows[2:]},
    counts={"train": 2, "val": 1},
    source={"seed": 0},
  )


@pytest.fixture
def parts(tmp_path):
  one = write_part(tmp_path, "one")
  other = write_part(tmp_path, "other", ("normals", "depth"))
  return tmp_path, [one.directory, other.directory]


def test_reads_the_records_of_all_parts(parts):
  root, places = parts
  joined.write_joined(root, "both", places)
  dataset = prepared.open_dataset(root)
  assert prepared.is_prepared(root)
  assert dataset.manifest.name == "both"
  assert list(dataset.manifest.tasks) == ["depth", "normals"]
  train = dataset.manifest.split("train")
  assert train.ids == ("one_0", "one_1", "other_0", "other_1")
  np.testing.assert_array_equal(train.labelled["normals"], [0, 0, 1, 1])
  source = pickle.loads(pickle.dumps(dataset.source("train")))
  for index, arrays in ((1, 1), (2, 0)):
    record = source[index]
    assert record["id"] == train.ids[index]
    expected = fake_dataset.full_arrays(arrays)
    np.testing.assert_array_equal(record["image"], expected["image"])
    np.testing.assert_array_equal(record["depth"], expected["depth"])
  assert source[1]["normals"] is None
  assert source[2]["normals"] is not None
  with pytest.raises(IndexError):
    source[4]
  assert dataset.source("val")[1]["id"] == "other_2"


def test_a_run_sees_one_data_set(parts):
  root, places = parts
  dataset = joined.write_joined(root, "both", places)
  selection = select(dataset, "train", ("normals", "depth"))
  assert selection.size == 4
  _, labels = selection.source()[0]
  assert np.isnan(labels["normals"]).all()
  assert np.isfinite(labels["depth"]).any()


def test_the_place_may_move_with_its_parts(parts):
  root, places = parts
  joined.write_joined(root, "both", places)
  root.rename(root.with_name("moved"))
  moved = prepared.open_dataset(root.with_name("moved"))
  assert moved.source("train")[3]["id"] == "other_1"


def test_a_broken_part_is_named(parts):
  root, places = parts
  joined.write_joined(root, "both", places)
  next(places[1].glob("*val.array_record*")).write_bytes(b"")
  (problem,) = verification.verify(root).problems
  assert str(places[1]) in problem


def test_parts_that_do_not_fit_are_refused(parts):
  root, places = parts
  small = write_part(root, "small", size=(4, 12)).directory
  with pytest.raises(ValueError, match=r"one 8x12, .*small 4x12"):
    joined.write_joined(root, "all", [*places, small])
  other = write_part(root, "inverse", (), depth={"kind": "inverse_depth"})
  with pytest.raises(ValueError, match=r"kind 'depth' in .*one.*inverse_depth"):
    joined.write_joined(root / "new", "all", [places[0], other.directory])
  assert not (root / "new").exists()


@pytest.mark.parametrize(
  "text", ["", "[]", '{"format": "x", "version": 1, "name": "", "parts": []}']
)
def test_a_broken_list_is_named(tmp_path, text):
  (tmp_path / "joined.json").write_text(text)
  with pytest.raises(ValueError, match=r"joined\.json does not name"):
    prepared.open_dataset(tmp_path)
