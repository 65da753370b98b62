import numpy as np
import pytest

from jtr_jax.data.label_splits import scenarios, text_file

TASKS = ("segmentation", "depth", "normals")


@pytest.fixture
def split():
  ids = ("10", "9", "a b/c-0", "#x", "ü")
  return scenarios.make_split("randomlabels+unlabelled40", ids, TASKS, seed=1)


def test_comes_back_as_it_was(tmp_path, split):
  path = tmp_path / "split.tsv"
  text_file.save_split(path, split)
  found = text_file.load_split(path)
  assert (found.ids, found.tasks) == (split.ids, split.tasks)
  assert found.about == split.about
  np.testing.assert_array_equal(found.labelled, split.labelled)
  assert [p.name for p in tmp_path.iterdir()] == ["split.tsv"]


def test_reads_what_an_editor_may_write(tmp_path):
  path = tmp_path / "split.tsv"
  text = """# jtr_jax label split
# by hand
# tasks: depth normals
# images: 2
id\tlabels
0\tnormals depth
1\t-
"""
  path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
  found = text_file.load_split(path)
  assert found.ids == ("0", "1")
  np.testing.assert_array_equal(found.labelled, [[True] * 2, [False] * 2])


@pytest.mark.parametrize(
  ("old", "new", "message"),
  [
    ("# jtr_jax label split\n", "", "line 1"),
    ("9\t", "9 ", "line 8.*a tab"),
    ("# tasks: segmentation depth", "# tasks: depth", "line "),
    ("# images: 5\n", "# images: 6\n", "5 images.*6 of images"),
    ("# images: 5\n", "", "# images"),
    ("id\tlabels\n", "", "remark"),
    ("9\t", "10\t", "repeated"),
  ],
)
def test_names_the_broken_line(tmp_path, split, old, new, message):
  path = tmp_path / "split.tsv"
  text_file.save_split(path, split)
  text = path.read_text()
  assert old in text
  path.write_text(text.replace(old, new, 1))
  with pytest.raises(ValueError, match=message) as error:
    text_file.load_split(path)
  assert str(path) in str(error.value)


def test_refuses_a_file_cut_anywhere(tmp_path, split):
  path = tmp_path / "split.tsv"
  text_file.save_split(path, split)
  data = path.read_bytes()
  for length in range(0, len(data) - 1, 5):
    path.write_bytes(data[:length])
    with pytest.raises(ValueError, match=r"split\.tsv"):
      text_file.load_split(path)


def test_refuses_bytes(tmp_path):
  path = tmp_path / "split.tsv"
  path.write_bytes(b"\x80\x02\x8a\n\xff")
  with pytest.raises(ValueError, match="not text"):
    text_file.load_split(path)


@pytest.mark.parametrize(
  ("ids", "tasks"),
  [(("a\tb",), TASKS), (("a\nb",), TASKS), (("",), TASKS), (("a",), ("x y",)),
   (("a",), ("-",))],
)  # fmt: skip
def test_refuses_names_that_a_line_cannot_hold(tmp_path, ids, tasks):
  made = scenarios.make_split("full", ids, tasks, seed=0)
  with pytest.raises(ValueError, match="cannot be written"):
    text_file.save_split(tmp_path / "split.tsv", made)
  assert not list(tmp_path.iterdir())
