"""The file that says what labels mean."""

import re

import pytest

from jtr_jax.data.classes import vocabulary

TEXT = """
[segmentation]
classes = ["wall", "floor", "chair", "table"]

[segmentation.indoor]
shows = ["wall", "chair", "table"]
unlabelled = "*"

[segmentation.indoor.labels]
armchair = "chair"
seat = ["chair", "table"]
person = []
background = "*"

[scene]
classes = ["office", "home"]
class_loss = "sigmoid"

[scene.indoor]
names = ["o", "h"]
labels = { o = "office", h = "home" }
"""


@pytest.fixture
def write(tmp_path):
  def to(text):
    path = tmp_path / "classes.toml"
    path.write_text(text)
    return path

  return to


def test_what_a_file_says(write):
  found = vocabulary.read(write(TEXT))
  task = found["segmentation"]
  assert task.classes == ("wall", "floor", "chair", "table")
  assert task.class_loss == "softmax"
  indoor = task.sources["indoor"]
  assert indoor.labels == {
    "armchair": ("chair",),
    "seat": ("chair", "table"),
    "person": (),
    "background": None,
  }
  assert indoor.shows == ("wall", "chair", "table")
  assert indoor.unlabelled is None
  assert found["scene"].class_loss == "sigmoid"
  assert found["scene"].sources["indoor"].names == ("o", "h")


@pytest.mark.parametrize(
  ("old", "new", "error"),
  [
    ('"chair"\n', '"chiar"\n', "class of the run in segmentation.indoor"),
    ('"chair"\n', '"chiar"\n', "Did you mean 'chair'"),
    ('shows = ["wall"', 'shows = ["wal"', "Did you mean 'wall'"),
    ('"floor", "chair"', '"wall", "chair"', "two classes or more, each once"),
    ('["wall", "floor", "chair", "table"]', "4", "a list of names"),
    ('classes = ["office", "home"]', "", "scene.classes = None"),
    ("person = []", "person = 3", "labels.person = 3"),
    ("unlabelled", "unlabeled", "Did you mean 'unlabelled'"),
    ('"sigmoid"', '"sigmoids"', "Did you mean 'sigmoid'"),
    ("[scene]", "[scene", "a TOML file with a table for each task"),
    ("[scene.indoor]", "[scene.indoor.labels]", "scene.indoor.labels.names"),
  ],
)
def test_bad_files_are_refused(write, old, new, error):
  assert old in TEXT
  with pytest.raises(ValueError, match=re.escape(error)):
    vocabulary.read(write(TEXT.replace(old, new)))


@pytest.mark.parametrize("text", ["", "segmentation = 3"])
def test_files_without_tables_are_refused(write, text):
  with pytest.raises(ValueError, match="does not say what labels mean"):
    vocabulary.read(write(text))


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(ValueError, match=r"nowhere\.toml"):
    vocabulary.read(tmp_path / "nowhere.toml")
