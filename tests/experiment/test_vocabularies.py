"""Runs on data sets that name different classes."""

import json

import numpy as np
import pytest

from jtr_jax import main
from jtr_jax.config import presets, resolve
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.examples import to_labels
from jtr_jax.data.loading.feed import Delivery
from jtr_jax.data.records import prepared
from jtr_jax.experiment import data_mixture, run, setup, source_classes
from jtr_jax.workdir import result_card
from jtr_jax.workdir.metric_files import read_rows
from tests import config_files, short_training, small_config

FILE = f"{config_files.ROOT}/configs/nyu_vocabularies.py:data=rooms,laptop"
STRUCTURE = [2, 4, 11, 12]  # ceiling, floor, wall, window
FURNITURE = [0, 1, 3, 5, 6, 7, 8, 9, 10]
REST = {"main": 13, "structure": 14}  # ids of "*"


def config(rooms, arg="", **changes):
  fields = {
    **small_config.FIELDS,
    "data.directory": rooms,
    "evaluate.pictures": 0,
    "train.steps": 2,
    "train.batch_size": 2,
    **{key.replace("__", "."): value for key, value in changes.items()},
  }
  flags = [f"--config.{name}={value}" for name, value in fields.items()]
  return config_files.from_flags([f"--config={FILE}{arg}", *flags])


def open_sources(config):
  return data_mixture.open_sources(resolve.resolve(config))


@pytest.fixture(scope="module")
def data(rooms):
  return open_sources(config(rooms))


def whole_label(data, source, row):
  """Return the label of a training image as it is stored."""
  (part,) = source.selection.parts
  record = data.main.dataset.source("train")[int(part.rows[row])]
  return record["segmentation"]


def test_halves_are_disjoint_and_know_their_own_classes(data):
  main, structure = data.trained
  assert not set(main.ids) & set(structure.ids)
  assert main.size + structure.size == small_config.TRAIN
  known = data.selection.known["segmentation"]
  assert np.flatnonzero(known[0]).tolist() == FURNITURE
  assert np.flatnonzero(known[-1]).tolist() == STRUCTURE
  assert data.per_batch == (2, 2)


def test_labels_are_those_of_the_run(data):
  """A set where a half calls it background, the same class elsewhere."""
  for source, own in (
    (data.trained[0], FURNITURE),
    (data.trained[1], STRUCTURE),
  ):
    records = source.selection.source()
    for row in range(source.size):
      found = records[row][1]["segmentation"]
      whole = whole_label(data, source, row)
      named = np.isin(whole, own)
      np.testing.assert_array_equal(found[named], whole[named])
      assert set(found[~named & (whole >= 0)]) <= {REST[source.name]}
      assert (found[whole < 0] == -1).all()


def test_images_to_evaluate_have_whole_labels(data):
  assert data.evaluated.size == small_config.VAL
  assert not data.evaluated.known
  _, stored = data.evaluated.source()[0]
  assert stored["segmentation"].max() < 13


@pytest.mark.parametrize("placement", ["device", "stream"])
def test_both_ways_to_the_device_give_the_same(data, placement):
  feed = pipeline.mixed_feed(
    data.selection, data.per_batch, seed=0, delivery=Delivery(placement)
  )
  batch = feed.gather(feed.constant, feed.fetch(1))
  label = to_labels(batch)["segmentation"]
  expected = data.selection.known["segmentation"][np.asarray(batch.sample)]
  np.testing.assert_array_equal(label.known, expected)
  records = data.selection.source()
  for value, sample in zip(label.value, batch.sample, strict=True):
    stored = records[int(sample)][1]["segmentation"]
    np.testing.assert_array_equal(value, np.maximum(stored, 0))


@pytest.fixture(scope="module")
def trained(rooms, tmp_path_factory):
  """A short run of JTR on both halves."""
  folder = tmp_path_factory.mktemp("vocabularies") / "run"
  own = presets.use_method(config(rooms), "jtr")
  own.evaluate.pictures = 1
  main.train(resolve.resolve(own), folder)
  return folder


def test_a_run_learns_and_is_evaluated_on_all_classes(trained):
  rows = read_rows(trained / "metrics.jsonl")
  losses = [row for row in rows if row["split"] == "train"]
  assert losses[0]["train/segmentation/loss"] > 0
  assert losses[0]["train/regularizer/jtr_distance"] > 0
  (found,) = [row for row in rows if "val/segmentation/miou" in row][-1:]
  assert 0 <= found["val/segmentation/miou"] <= 1
  assert result_card.read(trained).images == small_config.TRAIN
  assert (trained / "pictures").is_dir()


def test_a_run_records_what_labels_mean(trained, rooms, tmp_path):
  found = json.loads((trained / source_classes.FILE_NAME).read_text())
  names = found["segmentation"]["main"]
  assert names["bed"] == "bed"
  assert names["wall"] == "ceiling or floor or wall or window"
  assert list(found["segmentation"]) == ["main", "structure", "whole"]
  run.evaluate(trained, which="latest")
  changed = {"segmentation": {"main": {}}}
  (trained / source_classes.FILE_NAME).write_text(json.dumps(changed))
  with pytest.raises(ValueError, match="The vocabulary has changed"):
    run.evaluate(trained, which="latest")
  (trained / source_classes.FILE_NAME).write_text(json.dumps(found))


def test_a_vocabulary_of_the_same_names_changes_nothing(rooms, tmp_path):
  file = tmp_path / "same.toml"
  names = open_sources(config(rooms)).manifest.tasks["segmentation"]["classes"]
  file.write_text(
    f"[segmentation]\nclasses = {json.dumps(names)}\n[segmentation.x]"
  )
  plain = small_config.config(rooms)
  before = open_sources(plain)
  plain.data.vocabulary = f"{file}:x"
  after = open_sources(plain)
  assert after.manifest.tasks == before.manifest.tasks
  assert not after.selection.known
  for row in range(3):
    np.testing.assert_array_equal(
      after.selection.source()[row][1]["segmentation"],
      before.selection.source()[row][1]["segmentation"],
    )


def test_teachers_choose_among_what_a_label_leaves_open(rooms, tmp_path):
  own = config(rooms)
  presets.use_teachers(own)
  own.experiment.confidence = 0.0
  with short_training.nothing_is_learnt():
    main.train(resolve.resolve(own), tmp_path)
  data = open_sources(config(rooms))
  for source, named in (
    (data.trained[0], FURNITURE),
    (data.trained[1], STRUCTURE),
  ):
    folder = tmp_path / "pseudo_labels" / source.name
    labelled = prepared.open_dataset(folder)
    assert labelled.manifest.tasks["segmentation"]["known"] == named
    records = labelled.source("train")
    for row in range(source.size):
      new = records[row]["segmentation"]
      old = source.selection.source()[row][1]["segmentation"]
      is_open = old == REST[source.name]
      np.testing.assert_array_equal(new[~is_open], old[~is_open])
      assert not set(new[is_open]) & set(named)
      assert (new[is_open] >= 0).all()
      assert (new[is_open] < 13).all()
  student = data_mixture.open_sources(run.saved.read(tmp_path / "student"))
  known = student.selection.known["segmentation"]
  assert np.flatnonzero(known[0]).tolist() == FURNITURE
  assert student.evaluated.known == {}


@pytest.mark.parametrize(
  ("place", "error"),
  [
    ("nyu_halves.toml", "names no section"),
    (
      "configs/vocabularies/nyu_halves.toml:furnitur",
      "Did you mean 'furniture'",
    ),
    ("configs/vocabularies/nyu_halfs.toml:x", "nyu_halfs.toml"),
  ],
)
def test_bad_places_are_refused(rooms, place, error):
  with pytest.raises(ValueError, match=error):
    open_sources(config(rooms, data__vocabulary=place))


def test_vocabularies_that_differ_are_refused(rooms, tmp_path):
  file = tmp_path / "other.toml"
  file.write_text('[segmentation]\nclasses = ["a", "b"]\n[segmentation.x]\n')
  with pytest.raises(ValueError, match="Two vocabularies give task"):
    open_sources(config(rooms, data__vocabulary=f"{file}:x"))


def test_half_of_the_classes_cannot_be_learnt_from_one_half(rooms, caplog):
  open_sources(config(rooms, ",train=furniture"))
  assert "ceiling, floor, wall, window leaves other classes" in caplog.text
  with pytest.raises(ValueError, match="No source labels some classes"):
    open_sources(config(rooms, ",train=furniture,background=ignored"))


def test_what_the_config_file_sets(rooms):
  both = config(rooms).data
  assert both.sources.structure.scenario == "full+labelled50"
  full = config(rooms, ",train=full")
  assert list(full.data.sources) == ["whole"]
  data = open_sources(full)
  assert data.selection.size == small_config.TRAIN
  assert data.selection.present.all()
  assert not data.meanings
  made = setup.make_experiment(resolve.resolve(full), rooms / "none")
  assert [task.has_sets for task in made.tasks] == [False, False]
