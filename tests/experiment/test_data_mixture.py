"""Every way of combining data runs from a config."""

import shutil

import numpy as np
import pytest
from PIL import Image

from jtr_jax import main
from jtr_jax.config import presets, resolve
from jtr_jax.data.datasets import folder, prepare
from jtr_jax.data.label_splits import text_file
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.records import prepared
from jtr_jax.experiment import data_mixture, setup
from jtr_jax.train import dispatch
from jtr_jax.workdir import result_card
from jtr_jax.workdir.metric_files import read_rows
from tests import config_files, short_training, small_config

FEW = {"train__steps": 2, "evaluate__pictures": 0, "train__batch_size": 2}


@pytest.fixture(scope="module")
def more_rooms(tmp_path_factory):
  directory = tmp_path_factory.mktemp("data") / "more"
  options = {"size": small_config.SIZE, "workers": 1, "seed": 7}
  prepare.prepare_rooms(directory, train=5, val=2, **options)
  return directory


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
  """A folder of images with depth, as a user has it."""
  root = tmp_path_factory.mktemp("raw")
  (root / "tasks.toml").write_text('[depth]\nkind = "depth"\nscale = 0.001\n')
  draw = np.random.default_rng(0)
  for split, count in {"train": 3, "val": 2}.items():
    for name in (folder.IMAGE, "depth"):
      (root / split / name).mkdir(parents=True)
    for index in range(count):
      image = draw.integers(0, 256, (*small_config.SIZE, 3), np.uint8)
      depth = draw.integers(900, 5000, small_config.SIZE).astype(np.uint16)
      Image.fromarray(image).save(root / split / folder.IMAGE / f"{index}.png")
      Image.fromarray(depth).save(root / split / "depth" / f"{index}.png")
  return root


@pytest.fixture
def nothing_is_learnt():
  with short_training.nothing_is_learnt():
    yield


def small(rooms, arg="", method="supervised", **changes):
  """Return the config of a file's argument, at the size of the tests."""
  words = small_config.flags(rooms, **{**FEW, **changes})
  words[0] += arg
  config = config_files.from_flags(words)
  return presets.use_method(config, method)


def experiment(config, folder):
  return setup.make_experiment(resolve.resolve(config), folder)


def train(config, folder):
  main.train(resolve.resolve(config), folder)


def batch_of(config, folder, steps=4):
  """Return the first batches of a config."""
  made = experiment(config, folder)
  folder.mkdir(exist_ok=True)
  mesh = dispatch.make_mesh(sum(made.data.per_batch), devices=None)
  feed = setup.make_train_feed(made, mesh)
  return [feed.gather(feed.constant, feed.fetch(step)) for step in range(steps)]


def labels_of(batch):
  """Return bool[B, K], what each image of a batch is labelled for."""
  names = ("segmentation", "depth")
  return np.stack([np.asarray(batch.present[n]) for n in names], axis=1)


def test_unlabelled_and_extended_images_come_beside_the_labelled_ones(
  rooms, more_rooms, tmp_path
):
  arg = f",scenario=randomlabels+unlabelled50,extended={more_rooms}"
  config = small(rooms, arg, "jtr", train__batch_size=3)
  assert config.method.unlabelled == "consistency"
  for batch in batch_of(config, tmp_path / "look"):
    shown = labels_of(batch)
    assert shown[:3].any(axis=1).all()
    assert shown[3:7].tolist() == [[False, True]] * 4
    assert not shown[7].any()
  train(config, tmp_path / "run")
  rows = read_rows(tmp_path / "run" / "metrics.jsonl")
  (row,) = (row for row in rows if row["split"] == "train")
  assert row["train/regularizer/jtr_distance"] > 0
  card = result_card.read(tmp_path / "run")
  assert card.images == small_config.TRAIN + 5
  assert sum(card.label_counts.values()) == small_config.TRAIN // 2 + 5
  assert (tmp_path / "run" / "labels_unlabelled.tsv").exists()


def test_an_epoch_is_one_of_the_labelled_images(rooms, tmp_path):
  config = small(
    rooms,
    ",scenario=randomlabels+unlabelled50",
    train__epochs=3,
    train__steps=0,
  )
  made = experiment(config, tmp_path)
  assert made.schedule.total == 3 * 4 / 2  # 4 of 8 images, 2 in a batch
  assert made.schedule.steps_per_epoch == 2
  assert len(made.data.ids) == small_config.TRAIN
  assert made.data.ids[-1].startswith("unlabelled:")


def test_a_split_file_leaves_a_share_without_labels(
  rooms, tmp_path, nothing_is_learnt
):
  """JTR, Table 4, with a released split: `+unlabelled` beside `split_file`."""
  ids = prepared.open_dataset(rooms).manifest.split("train").ids
  shown = np.tile([[True, False], [False, True]], (len(ids) // 2, 1))
  tasks = ("segmentation", "depth")
  file = tmp_path / "released.txt"
  text_file.save_split(file, LabelSplit(ids, tasks, shown))
  config = small(
    rooms, ",scenario=randomlabels+unlabelled50", data__split_file=file
  )
  data = experiment(config, tmp_path).data
  assert [source.size for source in data.sources] == [4, 4]
  assert data.main.selection.present.any(axis=1).all()
  assert not data.sources[1].selection.present.any()
  train(config, tmp_path / "run")
  card = result_card.read(tmp_path / "run")
  assert card.scenario == f"{file}+unlabelled50"
  assert sum(card.label_counts.values()) == 4


def test_extended_with_depth_from_elsewhere(
  rooms, more_rooms, tmp_path, nothing_is_learnt
):
  config = small(rooms, f",scenario=onelabel,extended={more_rooms}")
  for batch in batch_of(config, tmp_path / "look"):
    shown = labels_of(batch)
    assert shown[:2].sum(axis=1).tolist() == [1, 1]
    assert shown[2:].tolist() == [[False, True]] * 4
  train(config, tmp_path / "run")
  card = result_card.read(tmp_path / "run")
  assert card.images == small_config.TRAIN + 5
  assert card.label_counts == {"segmentation": 4, "depth": 4 + 5}
  labels = text_file.load_split(tmp_path / "run" / "labels_extended.tsv")
  assert labels.tasks == ("depth",)
  assert {o.step for o in card.outcomes} == {2}


def with_pictures(config, pictures, tmp_path, **fields):
  fields = {
    "name": "folder",
    "raw": str(pictures),
    "directory": str(tmp_path / "pictures"),
    "size": small_config.SIZE,
    **fields,
  }
  return presets.add_source(config, "photos", 1, **fields)


def test_another_data_set_brings_its_tasks(rooms, pictures, tmp_path):
  config = small(rooms, train__batch_size=3)
  config.tasks = ("segmentation", "depth")
  with_pictures(config, pictures, tmp_path, eval_split="val")
  made = experiment(config, tmp_path)
  assert made.data.evaluated.size == small_config.VAL + 2
  assert made.data.evaluated.present[-2:].tolist() == [[False, True]] * 2
  for batch in batch_of(config, tmp_path / "look"):
    assert labels_of(batch)[3].tolist() == [False, True]


def test_without_names_a_run_has_the_tasks_of_all_sources(
  rooms, pictures, tmp_path
):
  own = tmp_path / "raw"
  shutil.copytree(pictures, own)
  (own / "tasks.toml").write_text('[far]\nkind = "depth"\nscale = 0.001\n')
  for split in ("train", "val"):
    (own / split / "depth").rename(own / split / "far")
  config = small(rooms)
  config.tasks = config.data.scenario_tasks = ()
  config.data.scenario = "full"
  config = with_pictures(config, own, tmp_path)
  data = data_mixture.open_sources(resolve.resolve(config))
  assert data.tasks[-1] == "far"
  assert "segmentation" in data.tasks
  rooms_part, photos = data.selection.parts
  assert not rooms_part.present[:, -1].any()
  assert photos.present[:, -1].all()


@pytest.mark.parametrize(
  ("fields", "error"),
  [
    ({"tasks": ("normals",)}, "Unknown task in folder, for source 'photos'"),
    ({"size": (16, 16)}, "16x16 in 'photos' and 32x32 in 'main'"),
    ({"images": "unlabelled"}, "No image of .* can take part"),
  ],
)
def test_sources_that_do_not_fit_are_named(
  rooms, pictures, tmp_path, fields, error
):
  config = small(rooms)
  with_pictures(config, pictures, tmp_path, **fields)
  with pytest.raises(ValueError, match=error):
    batch_of(config, tmp_path)


def test_source_without_a_task_of_the_run_is_refused(rooms, more_rooms):
  config = small(rooms, f",scenario=full,extended={more_rooms}")
  config.tasks = ("segmentation",)
  with pytest.raises(ValueError, match="'extended' has no task of this run"):
    data_mixture.open_sources(resolve.resolve(config))


def test_single_task_networks_see_the_sources_that_know_their_task(
  rooms, more_rooms, tmp_path, nothing_is_learnt
):
  config = small(rooms, f",scenario=onelabel,extended={more_rooms}")
  config.experiment.kind = "stl"
  own = small_config.settings_of_runs(resolve.resolve(config))
  assert not own["segmentation"].data.sources
  assert list(own["depth"].data.sources) == ["extended"]
  train(config, tmp_path)
  cards = [result_card.read(tmp_path / task) for task in own]
  assert [card.images for card in cards] == [4, 4 + 5]


def test_a_task_of_one_source_alone_is_learnt_from_it(
  rooms, more_rooms, tmp_path
):
  config = small(rooms, ",scenario=full")
  fields = {"directory": str(more_rooms), "name": "prepared"}
  presets.add_source(config, "more", 2, **fields, eval_split="val")
  split = tmp_path / "none.tsv"
  with_no_depth(rooms, config, split)
  config.data.split_file = str(split)
  own = small_config.settings_of_runs(resolve.resolve(config))["depth"]
  assert own.data.directory == str(more_rooms)
  assert own.data.eval_split == "val"
  assert not own.data.sources
  assert setup.make_experiment(own, tmp_path).data.main.size == 5


def with_no_depth(rooms, config, path):
  """Write a label split that hides every depth of the rooms."""
  ids = prepared.open_dataset(rooms).manifest.split("train").ids
  shown = np.tile([True, False], (len(ids), 1))
  text_file.save_split(path, LabelSplit(ids, config.tasks, shown))


def test_students_learn_from_pseudo_labels_in_every_source(
  rooms, more_rooms, tmp_path, nothing_is_learnt
):
  config = small(rooms, f",scenario=onelabel,extended={more_rooms}")
  presets.use_teachers(config)
  config.experiment.confidence = 0.0
  train(config, tmp_path)
  card = result_card.read(tmp_path)
  assert card.label_counts == dict.fromkeys(
    ("segmentation", "depth"), small_config.TRAIN + 5
  )
