import pickle

import numpy as np
import pytest

from jtr_jax.data.label_splits import released
from tests.tensor_files import handmade_pickles as handmade

ROWS = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 0]] * 3, np.float32)
TASKS = ("segmentation", "depth", "normals")


@pytest.fixture
def torch_split(tmp_path):
  path = tmp_path / "randomlabels.pth"
  path.write_bytes(handmade.torch_file({"labels_weights": ROWS}))
  return path


def test_rows_belong_to_the_number_in_the_id(torch_split):
  ids = sorted(map(str, range(12)))  # 0, 1, 10, 11, 2, ...
  split = released.import_split(torch_split, ids, TASKS[::-1])
  for sample, row in zip(ids, split.labelled, strict=True):
    np.testing.assert_array_equal(row[::-1], ROWS[int(sample)] == 1)
  assert split.about["scenario"] == "randomlabels.pth"


def test_two_columns_are_segmentation_and_depth(tmp_path):
  path = tmp_path / "onelabel.pth"
  rows = np.array([[0, 1], [1, 0]], np.float32)
  path.write_bytes(handmade.torch_file({"labels_weights": rows}, legacy=False))
  split = released.import_split(path, ["0", "1"], ["depth"])
  np.testing.assert_array_equal(split.labelled, [[True], [False]])
  with pytest.raises(ValueError, match="Unknown task"):
    released.import_split(path, ["0", "1"], ["normals"])


@pytest.mark.parametrize(
  "ids",
  [
    [f"{i:04d}" for i in range(1, 13)],
    [f"{i:02d}" for i in range(12)],
    [str(i) for i in range(1, 13)],
    [str(i) for i in range(11)],
    [f"bremen_{i}" for i in range(12)],
  ],
)
def test_refuses_data_prepared_in_another_way(torch_split, ids):
  with pytest.raises(ValueError, match="was never published"):
    released.import_split(torch_split, ids, TASKS)


@pytest.mark.parametrize(
  "rows", [np.full((4, 3), 0.5, np.float32), np.ones((4, 4), np.float32)]
)
def test_refuses_other_tables(tmp_path, rows):
  path = tmp_path / "odd.pth"
  path.write_bytes(handmade.torch_file({"labels_weights": rows}))
  with pytest.raises(ValueError, match=r"odd\.pth"):
    released.import_split(path, list("0123"), TASKS)


LISTS = {
  "human_parts": ["2008_000002", "2008_000009"],
  "edge": ["2008_000032"],
  "semseg": ["2008_000009", "2008_000032"],
  "normals": [],
  "sal": ["2008_000019"],
}


def write_lists(path, lists):
  values = {task: [np.str_(i) for i in ids] for task, ids in lists.items()}
  np.save(path, values, allow_pickle=True)


def test_reads_lists_of_image_ids(tmp_path):
  path = tmp_path / "onelabel.npy"
  write_lists(path, LISTS)
  found = released.read_pascal_split(path)
  assert found == {task: frozenset(ids) for task, ids in LISTS.items()}
  ids = ["2008_000019", "2008_000032", "2008_000002", "2008_000009"]
  split = released.import_split(
    path, ids, ["saliency", "segmentation", "human_parts"]
  )
  expected = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]]
  np.testing.assert_array_equal(split.labelled, np.array(expected, bool))


def test_reads_the_old_module_names(tmp_path):
  """The released files were written by an older numpy."""
  values = {task: [np.str_(i) for i in ids] for task, ids in LISTS.items()}
  data = pickle.dumps(np.array(values, object), protocol=3)
  assert b"cnumpy._core.multiarray" in data
  old = data.replace(b"cnumpy._core.", b"cnumpy.core.")
  path = tmp_path / "onelabel.npy"
  path.write_bytes(handmade.npy_header() + old)
  assert released.read_pascal_split(path)["sal"] == {"2008_000019"}


def test_refuses_other_images(tmp_path):
  path = tmp_path / "onelabel.npy"
  write_lists(path, LISTS)
  with pytest.raises(ValueError, match=r"only in the data: 1 \('2008_000020'"):
    released.import_split(
      path, [*sorted(set().union(*LISTS.values())), "2008_000020"], ["edges"]
    )


def test_refuses_to_run_code(tmp_path):
  victim, path = tmp_path / "victim", tmp_path / "onelabel.npy"
  attack = handmade.call("os", "system", f"touch {victim}")
  path.write_bytes(handmade.npy_header() + b"\x80\x03" + attack + b".")
  with pytest.raises(ValueError, match=r"onelabel\.npy.*os\.system"):
    released.read_pascal_split(path)
  assert not victim.exists()


def test_refuses_damaged_files(tmp_path):
  path = tmp_path / "onelabel.npy"
  write_lists(path, LISTS)
  data = path.read_bytes()
  for broken in (data[:-3], data + b"\0", data[:100], b"", data[:200]):
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"onelabel\.npy"):
      released.read_pascal_split(path)
  np.save(path, np.zeros(3))
  with pytest.raises(ValueError, match="float64"):
    released.read_pascal_split(path)
