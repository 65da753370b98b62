import json
import pickle
import shutil

import numpy as np
import pytest

from jtr_jax.data.inspect import verification
from jtr_jax.data.records import prepared, tfds_builder
from tests.data.records import fake_dataset


@pytest.fixture
def copy(dataset, tmp_path):
  directory = tmp_path / "copy"
  shutil.copytree(dataset.directory, directory)
  return directory


def train_file(directory):
  return directory / "records-train.array_record-00000-of-00001"


def test_round_trip_keeps_every_bit_and_every_missing_label(dataset):
  source = dataset.source("train")
  assert len(source) == 11
  for index in range(11):
    identifier, arrays = fake_dataset.make_example(index)
    record = source[index]
    assert record["id"] == identifier
    assert set(record) == {"id", "image", *fake_dataset.TASKS}
    for name, expected in arrays.items():
      if expected is None:
        assert record[name] is None
      else:
        assert record[name].dtype == expected.dtype
        np.testing.assert_array_equal(record[name], expected)


def test_only_the_tasks_that_are_asked_for_are_read(dataset):
  whole, some = dataset.source("train"), dataset.source("train", ("depth",))
  for index in range(len(whole)):
    record = some[index]
    assert set(record) == {"id", "image", "depth"}
    assert record["id"] == whole[index]["id"]
    for name in ("image", "depth"):
      np.testing.assert_array_equal(record[name], whole[index][name])
  assert "segmentation" not in pickle.loads(pickle.dumps(some))[0]


def test_manifest_tells_ids_labels_tasks_and_source(dataset):
  manifest = prepared.open_dataset(dataset.directory).manifest
  assert manifest.name == "fake"
  assert manifest.size == fake_dataset.SIZE
  assert manifest.tasks == fake_dataset.TASKS
  assert manifest.source == {"seed": 0}
  assert manifest.split("val").ids[:2] == ("room_100", "room_101")
  labelled = manifest.split("train").labelled["depth"]
  np.testing.assert_array_equal(labelled, np.arange(11) % 4 != 1)


def test_preparation_is_reproducible(dataset, tmp_path):
  other = fake_dataset.write(tmp_path / "other")
  for file in sorted(dataset.directory.iterdir()):
    assert file.read_bytes() == (other.directory / file.name).read_bytes()


def test_source_travels_to_another_process_unopened(dataset):
  source = dataset.source("train")
  first = source[0]
  packed = pickle.dumps(source)
  assert len(packed) < 4096
  np.testing.assert_array_equal(
    pickle.loads(packed)[0]["image"], first["image"]
  )


class InterruptedForTest(BaseException):
  """Like a keyboard interrupt: no ordinary exception."""


@pytest.mark.parametrize("error", [InterruptedForTest, OSError])
def test_interrupted_preparation_leaves_nothing(tmp_path, error):
  def examples():
    yield fake_dataset.make_example(0)
    raise error("stop")

  with pytest.raises(error):
    prepared.write_dataset(
      tmp_path / "new",
      "fake",
      tasks=fake_dataset.TASKS,
      size=fake_dataset.SIZE,
      splits={"train": examples()},
      counts={"train": 2},
      source={},
    )
  assert list(tmp_path.iterdir()) == []


def test_will_not_write_over_anything_unasked(dataset, copy, tmp_path):
  with pytest.raises(ValueError, match="--overwrite"):
    fake_dataset.write(copy)
  (tmp_path / "other").mkdir()
  (tmp_path / "other" / "thesis.tex").write_text("")
  with pytest.raises(ValueError, match="Choose another directory"):
    fake_dataset.write(tmp_path / "other", overwrite=True)
  assert (tmp_path / "other" / "thesis.tex").exists()
  assert len(fake_dataset.write(copy, train=3, overwrite=True).source("train"))
  assert prepared.open_dataset(copy).manifest.split("train").size == 3
  assert {p.name for p in tmp_path.iterdir()} == {"copy", "other"}


def wrong_shape(arrays):
  arrays["depth"] = np.zeros((4, 4, 1), np.float32)


def wrong_dtype(arrays):
  arrays["depth"] = arrays["depth"].astype(np.float64)


def wrong_class(arrays):
  arrays["segmentation"][2, 2] = 3


def no_image(arrays):
  arrays["image"] = None


@pytest.mark.parametrize(
  ("spoil", "text"),
  [
    (wrong_shape, r"depth float32\[4, 4, 1\]"),
    (wrong_dtype, r"depth float64.*float32\[8, 12, 1\]"),
    (wrong_class, r"numbers from -1 to 3. Expected: -1 \(none\) to 2"),
    (no_image, "no image"),
  ],
)
def test_examples_not_in_stored_form_are_refused(tmp_path, spoil, text):
  arrays = fake_dataset.full_arrays(0)
  spoil(arrays)
  with pytest.raises(ValueError, match="'room_x' of split 'train'.*" + text):
    fake_dataset.write_rows(tmp_path / "new", [("room_x", arrays)])


def test_an_id_twice_and_another_count_are_refused(tmp_path):
  rows = [fake_dataset.make_example(0)] * 2
  with pytest.raises(ValueError, match="this id twice"):
    fake_dataset.write_rows(tmp_path / "new", rows)
  with pytest.raises(ValueError, match=r"1 images. Expected: 5"):
    fake_dataset.write_rows(tmp_path / "new", rows[:1], count=5)


def test_large_splits_go_to_several_files_in_order(tmp_path, monkeypatch):
  monkeypatch.setattr(tfds_builder, "SHARD_BYTES", 5000)
  dataset = fake_dataset.write(tmp_path / "new")
  train = sorted(dataset.directory.glob("records-train*"))
  assert len(train) == 4
  assert verification.verify(dataset.directory).problems == []
  train[2].write_bytes(b"")
  source = dataset.source("train")
  assert source[5]["id"] == "room_005"
  assert source[9]["id"] == "room_009"
  with pytest.raises(ValueError, match=r"Record 7 .*-00002-of-00004"):
    source[7]


def test_more_rows_than_announced_are_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(tfds_builder, "SHARD_BYTES", 5000)
  rows = [fake_dataset.make_example(i) for i in range(7)]
  with pytest.raises(ValueError, match=r"7 images. Expected: 4"):
    fake_dataset.write_rows(tmp_path / "new", rows, count=4)


def test_no_data_set_names_the_command(tmp_path):
  with pytest.raises(ValueError, match=r"jtr_jax\.data prepare .*--out="):
    prepared.open_dataset(tmp_path / "nowhere")


def test_manifest_of_another_version_or_broken_is_refused(copy):
  path = copy / "manifest.json"
  content = json.loads(path.read_text())
  path.write_text(json.dumps(content | {"version": 99}))
  with pytest.raises(ValueError, match=r"manifest\.json.*version 99"):
    prepared.open_dataset(copy)
  path.write_text(path.read_text()[:100])
  with pytest.raises(ValueError, match=r"manifest\.json.*JSONDecodeError"):
    prepared.open_dataset(copy)


def test_truncated_file_is_named_with_the_record(copy):
  data = train_file(copy).read_bytes()
  train_file(copy).write_bytes(data[: len(data) // 2])
  source = prepared.open_dataset(copy).source("train")
  with pytest.raises(ValueError, match=r"Record 3 .*records-train\.array_rec"):
    source[3]


def test_flipped_byte_breaks_its_record_only(copy):
  data = bytearray(train_file(copy).read_bytes())
  data[3000] ^= 255
  train_file(copy).write_bytes(bytes(data))
  problems = verification.verify(copy).problems
  assert len(problems) == 1
  assert train_file(copy).name in problems[0]
  assert "train record" in problems[0]


@pytest.mark.parametrize("edit", ["rename", "count", "label"])
def test_records_of_another_manifest_are_noticed(copy, edit):
  path = copy / "manifest.json"
  content = json.loads(path.read_text())
  train = content["splits"]["train"]
  if edit == "rename":
    train["ids"][4] = "somebody_else"
  elif edit == "count":
    train["ids"].append("one_more")
  else:
    train["labelled"]["depth"] = "1" * 11
  path.write_text(json.dumps(content))
  text = {
    "rename": "it holds 'room_004'",
    "count": "11 records for 12 ids",
    "label": "whether depth is labelled",
  }[edit]
  assert any(text in problem for problem in verification.verify(copy).problems)


def test_unknown_split_names_the_nearest(dataset):
  with pytest.raises(ValueError, match="Did you mean 'train'"):
    dataset.source("trian")
