import re
import shutil

import numpy as np
import pytest

from jtr_jax import main
from jtr_jax.config import presets, resolve, saved
from jtr_jax.data.label_splits.text_file import load_split
from jtr_jax.data.records import prepared
from jtr_jax.experiment import data_mixture, kinds, run
from jtr_jax.experiment.must import pseudo_labels, teachers
from jtr_jax.workdir import result_card
from tests import short_training, small_config

TASKS = ("segmentation", "depth")
FEW = {
  "train__steps": 3,
  "evaluate__pictures": 0,
  "experiment__confidence": 0.1,
}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_learnt():
  with short_training.nothing_is_learnt():
    yield


def must(rooms, *teachers, **changes):
  config = small_config.config(rooms, **{**FEW, **changes})
  presets.use_method(config, "supervised")
  presets.use_teachers(config, *map(str, teachers))
  return resolve.resolve(config)


def content(folder):
  """Return what every result file holds, without the places of workdirs."""
  names = ("metrics.jsonl", "RESULT.md", "labels.tsv", "manifest.json")
  place = re.compile(r'"workdir": "[^"]*/teachers/')
  return {
    str(path.relative_to(folder)): place.sub("", path.read_text())
    for name in names
    for path in folder.rglob(name)
    if "checkpoints" not in path.parts
  }


@pytest.fixture(scope="module")
def finished(rooms, nothing_is_learnt, tmp_path_factory):
  folder = tmp_path_factory.mktemp("must") / "run"
  main.train(must(rooms), folder, name="must")
  return folder


@pytest.fixture
def copy(finished, tmp_path):
  """A finished workdir, of which a test deletes what is to be done again."""
  folder = finished.with_name(f"copy of {tmp_path.name}")
  shutil.copytree(finished, folder)
  yield folder
  shutil.rmtree(folder)


def test_teachers_see_one_task_and_the_student_all(finished):
  for task in TASKS:
    teacher = saved.read(finished / "teachers" / task)
    assert (teacher.method.name, teacher.tasks) == ("stl", (task,))
  student = saved.read(finished / "student")
  assert student.tasks == TASKS
  assert student.data.reader.name == "prepared"
  assert student.data.scenario == "found"
  assert student.data.directory == str(finished / "pseudo_labels/main")
  card = result_card.read(finished)
  assert card == result_card.read(finished / "student")
  assert card.label_counts == dict.fromkeys(TASKS, small_config.TRAIN)
  assert (finished / "teachers" / "baseline.json").exists()


def test_labels_that_may_be_seen_are_kept_and_others_predicted(finished, rooms):
  before = prepared.open_dataset(rooms).source("train")
  after = prepared.open_dataset(finished / "pseudo_labels/main").source("train")
  shown = {}
  for task in TASKS:
    split = load_split(finished / "teachers" / task / "labels.tsv")
    shown[task] = split.labelled[:, 0]
  for index in range(small_config.TRAIN):
    old, new = before[index], after[index]
    assert old["id"] == new["id"]
    np.testing.assert_array_equal(new["image"], old["image"])
    for task in TASKS:
      assert new[task].dtype == old[task].dtype
      same = np.array_equal(new[task], old[task], equal_nan=task == "depth")
      assert same == shown[task][index]


def test_evaluation_has_the_true_labels(finished, rooms):
  before = prepared.open_dataset(rooms).source("val")
  after = prepared.open_dataset(finished / "pseudo_labels/main").source("val")
  for index in range(small_config.VAL):
    for name in ("image", *TASKS):
      np.testing.assert_array_equal(after[index][name], before[index][name])


def test_manifest_says_who_labelled(finished):
  manifest = prepared.open_dataset(finished / "pseudo_labels/main").manifest
  about = manifest.source[pseudo_labels.KEY]
  assert about["confidence"] == 0.1
  teacher = about["teachers"]["depth"]
  assert teacher["workdir"] == str(finished / "teachers/depth")
  assert teacher["step"] == 3


@pytest.mark.parametrize(
  "gone",
  [("student",), ("student", "pseudo_labels")],
  ids=["after the labels", "after the teachers"],
)
def test_stopped_between_stages_it_goes_on(gone, rooms, copy, monkeypatch):
  trained, train = [], run.train

  def remember(config, folder, **options):
    trained.append(folder.name)
    return train(config, folder, **options)

  expected = content(copy)
  for name in (*gone, "RESULT.md", "result.json"):
    path = copy / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
  monkeypatch.setattr(run, "train", remember)
  main.train(must(rooms), copy, name="must")
  assert trained == ["student"]
  assert content(copy) == expected


def test_labelling_is_all_or_nothing(rooms, copy, monkeypatch):
  shutil.rmtree(copy / "pseudo_labels")
  row, rows = pseudo_labels._row, []

  def break_down(*arguments):
    rows.append(1)
    if len(rows) > 5:
      raise OSError("no space left")
    return row(*arguments)

  monkeypatch.setattr(pseudo_labels, "_row", break_down)
  with pytest.raises(OSError, match="no space"):
    main.train(must(rooms), copy, name="must")
  assert not (copy / "pseudo_labels" / "main").exists()


def test_a_stopped_teacher_stops_the_experiment(rooms, tmp_path, monkeypatch):
  monkeypatch.setattr(run, "train", lambda *_, **__: False)
  main.train(must(rooms), tmp_path / "run")
  assert not (tmp_path / "run" / "pseudo_labels").exists()
  assert not (tmp_path / "run" / "RESULT.md").exists()


def test_given_teachers_are_not_trained_again(
  rooms, finished, tmp_path, monkeypatch
):
  trained = []
  monkeypatch.setattr(
    run, "train", lambda config, folder, **_: trained.append(folder.name)
  )
  settings = must(rooms, finished / "teachers")
  assert not kinds.train(settings, tmp_path / "all", kinds.Options())
  settings = must(rooms, finished / "teachers" / "depth")
  assert not kinds.train(settings, tmp_path / "one", kinds.Options())
  assert trained == ["student", "segmentation"]
  own = prepared.open_dataset(tmp_path / "all" / "pseudo_labels/main").source(
    "train"
  )
  theirs = prepared.open_dataset(finished / "pseudo_labels/main").source(
    "train"
  )
  for index in range(small_config.TRAIN):
    for task in TASKS:
      np.testing.assert_array_equal(own[index][task], theirs[index][task])


def test_labels_of_other_teachers_are_not_taken(rooms, copy):
  shutil.rmtree(copy / "student")
  other = must(rooms, experiment__confidence=0.2)
  with pytest.raises(ValueError, match="Other teachers labelled"):
    main.train(other, copy, allow_config_change=True)


def test_teacher_that_knows_hidden_labels_is_told(rooms, finished, monkeypatch):
  told = []
  warning = lambda *words: told.append(words)
  monkeypatch.setattr(teachers.logging, "warning", warning)
  depth = finished / "teachers" / "depth"
  same = data_mixture.open_sources(must(rooms))
  teachers.warn_of_seen_labels(depth, "depth", same)
  assert not told
  other = data_mixture.open_sources(must(rooms, data__split_seed=1))
  teachers.warn_of_seen_labels(depth, "depth", other)
  before, after = (one.main.labels.labelled[:, 1] for one in (same, other))
  assert told[0][3] == (before & ~after).sum() > 0


def test_unfinished_and_repeated_teachers_are_named(rooms, finished, tmp_path):
  depth = finished / "teachers" / "depth"
  for folders, error in (
    ((tmp_path / "nothing",), "There is no teacher"),
    ((depth, depth), "Two teachers know task 'depth'"),
  ):
    settings = must(rooms, *folders)
    with pytest.raises(ValueError, match=error):
      main.train(settings, tmp_path / "run", allow_config_change=True)
