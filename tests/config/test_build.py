import dataclasses
import pathlib

import numpy as np
import pytest

from jtr_jax.config import (
  build,
  builders,
  presets,
  registry,
  resolve,
  settings,
)
from jtr_jax.data.datasets import nyuv2
from jtr_jax.data.label_splits import scenarios, text_file
from jtr_jax.data.records import manifest, stored_form
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.data.rooms import generate
from jtr_jax.methods import mtpsl
from jtr_jax.methods.jtr import settings as jtr_settings
from jtr_jax.methods.supervised import supervised
from tests import config_files

N = 12
IDS = tuple(str(i) for i in range(N))


def described(tasks, missing=()):
  """A data set that is only described; labels in `missing` do not exist."""
  labelled = {
    name: np.array([(i, name) not in missing for i in range(N)])
    for name in tasks
  }
  split = manifest.Split(IDS, labelled)
  about = manifest.Manifest(
    "test", (32, 32), tasks, {"train": split, "val": split}, {}
  )
  return Dataset(pathlib.Path("nowhere"), about)


NYU = described(nyuv2.TASKS)


def resolved(**changes):
  """Return the settings of JTR on NYUv2; changes are section__field=value."""
  config = presets.base()
  config.update_from_flattened_dict(
    {name.replace("__", "."): value for name, value in changes.items()}
  )
  return resolve.resolve(config)


NYU_TASKS = build.make_tasks(settings.TASKS, NYU.manifest)


def test_tasks_are_those_of_the_data():
  depth, segmentation = build.make_tasks(
    ("depth", "segmentation"), NYU.manifest
  )
  assert (depth.name, depth.joint_mean) == ("depth", 2.3618)
  assert segmentation.class_names == nyuv2.CLASSES
  assert segmentation.channels == 13


def test_without_names_all_tasks_of_the_data():
  tasks = build.make_tasks((), described(generate.TASKS).manifest)
  assert [task.name for task in tasks] == list(generate.TASKS)


def test_options_of_a_task_come_from_the_manifest():
  options = {
    "flow": {"kind": "regression", "channels": 2, "unit": "px"},
    "far": {"kind": "depth", "joint_mean": 20.0, "picture_range": [0.0, 80.0]},
    "near": {"kind": "inverse_depth", "unit": "1/m"},
  }
  flow, far, near = build.make_tasks((), described(options).manifest)
  assert flow.channels == 2
  assert (far.joint_mean, far.picture_range) == (20.0, (0.0, 80.0))
  assert near.unit == "1/m"
  assert hash((flow, far, near))  # static under jit


def test_unknown_task_names_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'depth'"):
    build.make_tasks(("dept",), NYU.manifest)


def test_every_kind_of_task_that_data_can_have_is_built():
  assert set(registry.TASK_KINDS) == set(stored_form.KINDS)


def test_dtypes_are_those_a_config_may_name():
  hint = settings.TrainSettings.__annotations__["dtype"]
  assert set(registry.DTYPES) == set(hint.__args__)


JTR = {"paper": jtr_settings.PAPER, "official": jtr_settings.RELEASED}
MTPSL = {"paper": mtpsl.PAPER, "official": mtpsl.RELEASED}


@pytest.mark.parametrize("variant", JTR)
def test_jtr_settings_pass_through_the_config(variant, monkeypatch):
  seen = []
  monkeypatch.setattr(
    builders.jtr_,
    "jtr",
    lambda tasks, autoencoder, settings: (
      seen.append((autoencoder, settings)) or supervised(tasks)
    ),
  )
  config = presets.use_method(presets.base(), "jtr", variant=variant)
  config.train.dtype = "bfloat16"
  build.make_method(resolve.resolve(config), NYU_TASKS, 1.0)
  autoencoder, found = seen[0]
  assert found == JTR[variant]
  assert autoencoder.head.channels == 17
  assert autoencoder.trunk.statistics == "image"
  assert autoencoder.trunk.dtype == "bfloat16"


def test_single_field_reaches_the_method(monkeypatch):
  seen = []
  monkeypatch.setattr(
    builders.jtr_,
    "jtr",
    lambda tasks, autoencoder, s: seen.append(s) or supervised(tasks),
  )
  build.make_method(resolved(method__label_mask="own"), NYU_TASKS, 1.0)
  stacking = dataclasses.replace(jtr_settings.PAPER.stacking, label_mask="own")
  assert seen[0] == dataclasses.replace(jtr_settings.PAPER, stacking=stacking)


def test_single_task_learning_refuses_several_tasks():
  own = resolve.resolve(presets.use_method(presets.base(), "stl"))
  with pytest.raises(ValueError, match=r"config\.tasks=segmentation"):
    build.make_method(own, NYU_TASKS, 1.0)
  assert len(build.make_method(own, NYU_TASKS[:1], 1.0).views) == 1


def test_steps_are_counted_from_epochs_or_given():
  train = resolved().train
  assert build.total_steps(train, 795) == 59625  # 300 * 795 / 4
  train = dataclasses.replace(train, steps_per_dispatch=8)
  assert build.total_steps(train, 795) == 59632
  train = dataclasses.replace(train, steps=10)
  assert build.total_steps(train, 795) == 10


def test_schedule_is_in_whole_dispatches():
  schedule = build.make_schedule(resolved(train__steps_per_dispatch=8), 795)
  assert (schedule.log, schedule.evaluate) == (56, 1000)  # 50, 993.75
  for steps in schedule[:4]:
    assert steps % schedule.dispatch == 0


@pytest.mark.parametrize("variant", MTPSL)
def test_mtpsl_settings_pass_through_the_config(variant, monkeypatch):
  seen = []
  monkeypatch.setattr(
    builders.mtpsl_,
    "mtpsl",
    lambda tasks, *args, steps_per_epoch: (
      seen.append((*args, steps_per_epoch)) or supervised(tasks)
    ),
  )
  config = presets.use_method(presets.base(), "mtpsl", variant=variant)
  config.model.filters = (4, 5, 6, 7, 8)
  build.make_method(resolve.resolve(config), NYU_TASKS, 12.5)
  mapping, found, steps = seen[0]
  assert found == MTPSL[variant]
  assert mapping.filters == (4, 5, 6, 7, 8)
  assert steps == 12.5


def label_split(own):
  return build.make_label_split(own.data, NYU, own.tasks)


def test_label_split_is_drawn_for_the_scenario():
  split = label_split(resolved(data__scenario="onelabel"))
  assert split.ids == IDS
  assert split.tasks == ("segmentation", "depth", "normals")
  assert split.labelled.sum(1).tolist() == [1] * N
  assert split.about == {"scenario": "onelabel", "seed": "0"}
  other = label_split(resolved(data__scenario="onelabel", data__split_seed=1))
  assert (other.labelled != split.labelled).any()


def test_single_task_learning_gets_its_column_of_the_split():
  together = label_split(resolved(data__scenario="onelabel"))
  alone = label_split(
    resolved(
      data__scenario="onelabel",
      data__scenario_tasks=settings.TASKS,
      tasks=("depth",),
    )
  )
  np.testing.assert_array_equal(alone.labelled[:, 0], together.labelled[:, 1])


def test_label_split_is_read_from_a_file(tmp_path):
  rows = np.arange(3 * N).reshape(N, 3) % 2 == 0
  written = scenarios.LabelSplit(IDS[::-1], tuple(nyuv2.TASKS), rows)
  file = str(tmp_path / "mine.txt")
  text_file.save_split(file, written)
  split = label_split(resolved(data__split_file=file))
  np.testing.assert_array_equal(split.labelled, rows[::-1])
  assert split.about["scenario"] == "mine.txt"


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_normals_stay_short_where_the_loader_leaves_them_so(variant):
  own = config_files.settings("nyu_jtr", f"variant={variant}")
  tasks = build.make_tasks(own.tasks, NYU.manifest, own.augment.normal_resize)
  assert tasks[2].unit_labels == (variant == "paper")


def test_nyuv2_that_is_not_prepared_tells_everything(tmp_path):
  data = config_files.settings("nyu_jtr", data__directory=tmp_path / "nyu").data
  with pytest.raises(ValueError, match="nyuv2 is not prepared") as error:
    build.open_data(data)
  text = str(error.value)
  assert "https://github.com/lorenmt/mtan" in text
  prepare_it = "python -m jtr_jax.data prepare nyuv2 --raw=DIR"
  assert f"{prepare_it} --out={tmp_path / 'nyu'}" in text
  assert "--config=configs/nyu_jtr.py:data=rooms" in text


def test_folder_without_raw_tells_how_to_lay_it_out(tmp_path):
  own = config_files.settings("folder_jtr", f"directory={tmp_path / 'mine'}")
  with pytest.raises(ValueError, match=r"folder is not prepared.*raw=ROOT"):
    build.open_data(own.data)


@pytest.mark.parametrize(
  ("name", "arg", "expected"),
  [
    ("nyu_jtr", "", ("nyuv2", "data/nyuv2", {})),
    (
      "nyu_jtr",
      "data=rooms",
      ("rooms", "data/rooms", {"size": (288, 384), "train": 795, "val": 654}),
    ),
    (
      "folder_jtr",
      "D,size=96x128",
      ("folder", "data/folder", {"raw": "D", "size": (96, 128)}),
    ),
  ],
)
def test_data_is_asked_for_with_the_options_that_are_set(name, arg, expected):
  asked = []
  data = config_files.settings(name, arg).data
  reader = dataclasses.replace(
    data.reader,
    build=lambda directory, **options: asked.append((directory, options)),
  )
  build.open_data(dataclasses.replace(data, reader=reader))
  assert (reader.name, *asked[0]) == expected


def test_rooms_are_generated_and_found_again(tmp_path):
  fields = {
    "data__directory": tmp_path / "rooms",
    "data__size": (16, 16),
    "data__val_count": 1,
  }
  make = lambda count: config_files.settings(
    "rooms_jtr", **fields, data__train_count=count
  )
  for _ in range(2):
    dataset = build.open_data(make(2).data)
    assert dataset.manifest.split("train").size == 2
  tasks = build.make_tasks(settings.TASKS, dataset.manifest)
  assert [task.channels for task in tasks] == [13, 1, 3]
  with pytest.raises(ValueError, match="Another data set"):
    build.open_data(make(3).data)
