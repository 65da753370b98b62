import zipfile

import numpy as np
import pytest

from jtr_jax.tensor_files import torch_file
from tests.tensor_files import handmade_pickles as handmade

ARRAY = np.arange(6, dtype=np.float32).reshape(3, 2)


def read(tmp_path, data):
  path = tmp_path / "split.pth"
  path.write_bytes(data)
  return torch_file.read_torch_tensors(path)


@pytest.mark.parametrize("legacy", [True, False])
def test_reads_every_tensor(tmp_path, legacy):
  arrays = {
    "labels_weights": ARRAY,
    "double": np.array([1.5, -2.0]),
    "half": np.array([0.25], np.float16),
    "long": np.array([[1 << 40]], np.int64),
    "bool": np.array([True, False]),
    "scalar": np.array(7, np.int64),
    "transposed": ARRAY.T,
  }
  found = read(tmp_path, handmade.torch_file(arrays, legacy=legacy))
  assert list(found) == list(arrays)
  for name, array in arrays.items():
    assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("legacy", [True, False])
def test_reads_views_of_one_storage(tmp_path, legacy):
  content = handmade.dictionary(
    {
      "column": handmade.tensor(
        "0", ARRAY, legacy=legacy, offset=1, shape=[3], strides=[2]
      ),
      "all": handmade.tensor("0", ARRAY, legacy=legacy),
    }
  )
  make = handmade.legacy_file if legacy else handmade.zip_file
  found = read(tmp_path, make(content, {"0": ARRAY}))
  np.testing.assert_array_equal(found["column"], [1, 3, 5])
  np.testing.assert_array_equal(found["all"], ARRAY)


@pytest.mark.parametrize(
  "view",
  [
    {"offset": 1},
    {"shape": [4, 2]},
    {"shape": [3, 3], "strides": [2, 2]},
    {"shape": [1 << 20, 1 << 20], "strides": [0, 0]},
    {"offset": -1},
    {"strides": [-2, 1]},
    {"strides": [1]},
  ],
)
@pytest.mark.parametrize("legacy", [True, False])
def test_refuses_views_outside_the_storage(tmp_path, view, legacy):
  view = {"strides": [2, 1], **view}
  content = handmade.dictionary(
    {"x": handmade.tensor("0", ARRAY, legacy=legacy, **view)}
  )
  make = handmade.legacy_file if legacy else handmade.zip_file
  with pytest.raises(ValueError, match=r"split\.pth.*damaged"):
    read(tmp_path, make(content, {"0": ARRAY}))


@pytest.mark.parametrize("legacy", [True, False])
def test_refuses_a_file_cut_anywhere_or_continued(tmp_path, legacy):
  data = handmade.torch_file({"x": ARRAY}, legacy=legacy)
  for length in range(0, len(data), 7):
    with pytest.raises(ValueError, match=r"split\.pth"):
      read(tmp_path, data[:length])
  with pytest.raises(ValueError, match="behind"):
    read(tmp_path, data + b"\0")


@pytest.mark.parametrize(
  "call",
  [
    ("posix", "system", "touch {}"),
    ("os", "system", "touch {}"),
    ("builtins", "eval", "open({!r}, 'w')"),
    ("numpy", "memmap", "{}"),
    ("torch", "load", "{}"),
  ],
)
@pytest.mark.parametrize("legacy", [True, False])
def test_refuses_to_run_code(tmp_path, call, legacy):
  victim = tmp_path / "victim"
  module, name, argument = call
  attack = handmade.call(module, name, argument.format(str(victim)))
  content = handmade.dictionary({"x": attack})
  make = handmade.legacy_file if legacy else handmade.zip_file
  with pytest.raises(ValueError, match=rf"refused.*{module}\.{name}"):
    read(tmp_path, make(content, {}))
  assert not victim.exists()


def test_refuses_to_run_code_in_the_header(tmp_path):
  victim = tmp_path / "victim"
  attack = b"\x80\x02" + handmade.call("os", "system", f"touch {victim}") + b"."
  data = handmade.torch_file({"x": ARRAY})
  magic = data.index(b"\x80\x02", 4)
  with pytest.raises(ValueError, match=r"refused.*os\.system"):
    read(tmp_path, data[:magic] + attack)
  assert not victim.exists()


def test_a_pickle_cannot_change_what_it_may_name(tmp_path):
  """BUILD would set attributes of the callable that rebuilds tensors."""
  state = b"}" + handmade.text("__call__") + b"Ns"
  attack = b"ctorch._utils\n_rebuild_tensor_v2\n" + state + b"b"
  content = handmade.dictionary({"x": attack})
  with pytest.raises(ValueError, match="damaged"):
    read(tmp_path, handmade.legacy_file(content, {}))
  found = read(tmp_path, handmade.torch_file({"x": ARRAY}))
  np.testing.assert_array_equal(found["x"], ARRAY)


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (b"\x80\x05\x96" + b"\xff" * 7 + b"\0.", "damaged"),  # a huge bytearray
    (b"\x80\x02}r\xff\xff\xff\x7f.", "the memo number 2147483647"),
    (b"\x80\x02\x82\x01.", "the instruction EXT1"),
  ],
)
def test_refuses_instructions_that_could_exhaust_memory(
  tmp_path, content, message
):
  with pytest.raises(ValueError, match=message):
    read(tmp_path, handmade.legacy_file(content, {}))


def test_refuses_other_contents(tmp_path):
  for content in (b"\x80\x02].", handmade.dictionary({"x": b"K\x01"})):
    with pytest.raises(ValueError, match="no dictionary of tensors"):
      read(tmp_path, handmade.legacy_file(content, {}))
  with pytest.raises(ValueError, match="it begins with"):
    read(tmp_path, b"not a torch file")


def test_refuses_compressed_and_foreign_members(tmp_path):
  content = handmade.dictionary(
    {"x": handmade.tensor("0", ARRAY, legacy=False)}
  )
  storages = {"0": ARRAY}
  with pytest.raises(ValueError, match="compressed"):
    read(
      tmp_path,
      handmade.zip_file(content, storages, compression=zipfile.ZIP_DEFLATED),
    )
  with pytest.raises(ValueError, match="belong to no tensor"):
    read(tmp_path, handmade.zip_file(content, {**storages, "1": ARRAY}))
