"""Labels of images, of cells, and yes or no, in the files of a folder."""

import numpy as np
import pytest

from jtr_jax.config import registry
from jtr_jax.data import __main__ as command
from jtr_jax.data.datasets import folder_description, folder_numbers, prepare
from jtr_jax.data.inspect import verification
from jtr_jax.data.records import prepared
from jtr_jax.data.records.stored_form import stored_form
from tests.data.datasets import own_folder

TASKS = """
[parts]
kind = "human_parts"
classes = ["background", "head"]
ignore = 255

[salient]
kind = "saliency"
threshold = 127
ignore = 255

[scene]
kind = "classification"
classes = ["office", "home", "street"]

[objects]
kind = "multilabel"
classes = ["cat", "dog", "tree"]
ignore = 9

[time]
kind = "scalar"
channels = 2
scale = 0.5
invalid = 0

[soft]
kind = "soft_labels"
classes = 4
grid = [1, 1]

[tokens]
kind = "soft_labels"
classes = 4
grid = [2, 3]
top = 2
"""
SHARES = np.array([0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def tasks(tmp_path):
  path = tmp_path / "tasks.toml"
  path.write_text(TASKS)
  return folder_description.read_tasks(path)


@pytest.fixture
def read(tasks, tmp_path):
  """Return (task, content, suffix) -> the label in stored form."""

  def label(name, content, suffix=".npy"):
    path = tmp_path / f"x{suffix}"
    if suffix == ".txt":
      path.write_text(content)
    elif suffix == ".npz":
      np.savez(path, **content)
    else:
      np.save(path, content)
    return folder_numbers.read(tasks[name], path)

  return label


def test_every_kind_gives_its_stored_form(tasks, read):
  size = (4, 6)
  given = {
    "parts": np.ones(size, np.uint8),
    "salient": np.full(size, 200, np.uint8),
    "scene": np.array(2),
    "objects": np.array([1, 0, -1]),
    "time": np.array([3.0, 4.0]),
    "soft": SHARES,
    "tokens": np.tile(SHARES, (2, 3, 1)),
  }
  for name, task in tasks.items():
    found = read(name, given[name])
    form = stored_form(name, task.options, size)
    assert (found.dtype, found.shape) == (form.dtype, form.shape), name
    assert registry.make_task(name, task.options).name == name


def test_text_holds_names_or_numbers(read):
  assert read("scene", "home\n", ".txt").tolist() == [[1]]
  assert read("scene", "2", ".txt").tolist() == [[2]]
  assert read("objects", "tree, cat", ".txt").tolist() == [[[1, 0, 1]]]
  assert read("objects", "", ".txt").tolist() == [[[0, 0, 0]]]
  assert read("time", "3\n4\n", ".txt").tolist() == [[[1.5, 2]]]


def test_what_means_none(read):
  assert read("objects", np.array([1, 9, 0])).tolist() == [[[1, -1, 0]]]
  found = read("time", np.array([0.0, 4.0]))
  np.testing.assert_array_equal(found, [[[np.nan, 2]]])
  salient = read("salient", np.array([[0, 127], [128, 255]], np.uint8))
  assert salient[..., 0].tolist() == [[0, 0], [1, -1]]


def test_distributions_keep_their_likeliest_classes(read):
  found = read("tokens", np.tile(SHARES, (2, 3, 1)))
  np.testing.assert_allclose(found[1, 2], [3, 2, 0.4, 0.3], rtol=1e-6)
  ids = np.tile([3, 0], (2, 3, 1))
  shares = np.tile([0.5, 0.25], (2, 3, 1))
  found = read("tokens", {"ids": ids, "shares": shares}, ".npz")
  np.testing.assert_allclose(found[0, 0], [3, 0, 0.5, 0.25])
  found = read("soft", {"anything": SHARES}, ".npz")
  np.testing.assert_allclose(found[0, 0], SHARES, rtol=1e-3)


@pytest.mark.parametrize(
  ("name", "content", "suffix", "error"),
  [
    ("scene", "hom", ".txt", "Did you mean 'home'"),
    ("scene", np.array([1, 2]), ".npy", "one class"),
    ("scene", np.array(3), ".npy", "class id 3"),
    ("objects", np.array([1, 0]), ".npy", "3 times 1"),
    (
      "objects",
      np.array([1, 0, 4]),
      ".npy",
      r"3 numbers, \[0, 1, 4\] among them",
    ),
    ("time", "soon", ".txt", "names. Expected: 2 numbers"),
    ("soft", SHARES[:3], ".npy", "probabilities of 4 classes"),
    ("soft", SHARES - 0.2, ".npy", "logits need a soft-max first"),
    ("soft", np.tile(SHARES, (2, 2, 1)), ".npy", "a grid of 1x1"),
    ("soft", {"ids": SHARES, "shares": SHARES}, ".npz", "top = 0"),
    ("tokens", {"a": SHARES, "b": SHARES}, ".npz", "the arrays `ids` and"),
    ("scene", {"ids": SHARES, "shares": SHARES}, ".npz", "one array"),
    (
      "tokens",
      {"ids": np.full((2, 3, 2), 4), "shares": np.ones((2, 3, 2))},
      ".npz",
      "classes from 0 to 3",
    ),
    ("salient", np.zeros((2, 2, 3), np.uint8), ".npy", "3 channels"),
  ],
)
def test_what_is_no_such_label_is_named(read, name, content, suffix, error):
  with pytest.raises(ValueError, match=error) as raised:
    read(name, content, suffix)
  assert f"x{suffix}" in str(raised.value)


def test_a_broken_file_is_named(tasks, tmp_path):
  path = tmp_path / "x.npz"
  path.write_bytes(b"PK not an archive")
  with pytest.raises(ValueError, match=r"x\.npz cannot be read"):
    folder_numbers.read(tasks["soft"], path)


@pytest.fixture
def labels(tmp_path):
  """Labels of further tasks for images of the small folder."""
  folder = tmp_path / "labels"
  for name in ("scene", "soft", "parts"):
    (folder / "train" / name).mkdir(parents=True)
  text = TASKS.replace("[salient]", "[x").partition("[x")[0]
  text += "[scene]" + TASKS.partition("[scene]")[2].partition("[objects]")[0]
  text += "[soft]" + TASKS.partition("[soft]")[2].partition("[tokens]")[0]
  (folder / "tasks.toml").write_text(text)
  (folder / "train" / "scene" / "a.txt").write_text("home")
  np.save(folder / "train" / "soft" / "b.npy", SHARES)
  np.savez(folder / "train" / "parts" / "a.npz", np.ones((12, 16), np.uint8))
  return folder


@pytest.fixture
def data(tmp_path):
  own_folder.write(tmp_path / "raw")
  out = tmp_path / "data"
  prepare.PREPARERS["folder"].prepare(out, raw=tmp_path / "raw")
  return out


def test_labels_are_added_to_what_is_prepared(data, labels, tmp_path):
  words = ["add", str(data), f"--labels={labels}", f"--out={tmp_path / 'new'}"]
  assert command.main(words) == 0
  before, after = map(prepared.open_dataset, (data, tmp_path / "new"))
  new = {"parts", "scene", "soft"}
  assert set(after.manifest.tasks) == {*before.manifest.tasks, *new}
  assert after.manifest.split("train").ids == ("a", "b", "c")
  first, second, third = (after.source("train")[i] for i in range(3))
  assert first["scene"].tolist() == [[1]]
  assert first["parts"].shape == own_folder.SIZE
  assert first["soft"] is None
  assert second["soft"].shape == (1, 1, 4)
  assert all(third[name] is None for name in new)
  old = before.source("train")[0]
  for name in ("image", *before.manifest.tasks):
    np.testing.assert_array_equal(first[name], old[name])
  assert verification.verify(tmp_path / "new").problems == []


def test_labels_of_no_image_are_refused(data, labels, tmp_path, capsys):
  (labels / "train" / "scene" / "z.txt").write_text("home")
  words = ["add", str(data), f"--labels={labels}", f"--out={tmp_path / 'new'}"]
  assert command.main(words) == 1
  assert "z.txt is of no image" in capsys.readouterr().err
  assert not (tmp_path / "new").exists()


def test_tasks_that_there_are_need_another_name(data, labels, tmp_path):
  text = (labels / "tasks.toml").read_text().replace("[scene]", "[depth]")
  (labels / "tasks.toml").write_text(text)
  words = ["add", str(data), f"--labels={labels}", f"--out={tmp_path / 'new'}"]
  assert command.main(words) == 1


def test_tasks_without_labels_are_refused(data, labels, tmp_path, capsys):
  (labels / "train" / "soft" / "b.npy").unlink()
  words = ["add", str(data), f"--labels={labels}", f"--out={tmp_path / 'new'}"]
  assert command.main(words) == 1
  assert "Task 'soft' has no label" in capsys.readouterr().err
