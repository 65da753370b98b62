import json
import os
import struct
import zipfile

import ml_dtypes
import numpy as np
import pytest

from jtr_jax.tensor_files import safetensors_file
from jtr_jax.tensor_files.state_dict import read_state_dict
from tests.tensor_files import handmade_pickles as handmade

WEIGHT = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
BIAS = np.array([0.5, -1.0], np.float32)
NAMED = {"conv.weight": WEIGHT, "conv.bias": BIAS}


def write(tmp_path, data, name="model.pth"):
  path = tmp_path / name
  path.write_bytes(data)
  return path


def checkpoint(entries, *, legacy=False):
  """A file with the tensors of NAMED under the key `state_dict` or others."""
  storages = {str(i): array for i, array in enumerate(NAMED.values())}
  tensors = handmade.dictionary(
    {
      name: handmade.tensor(str(i), array, legacy=legacy)
      for i, (name, array) in enumerate(NAMED.items())
    }
  )[2:-1]  # without the first and the last instruction of a pickle
  content = handmade.dictionary(
    {key: value or tensors for key, value in entries.items()}
  )
  make = handmade.legacy_file if legacy else handmade.zip_file
  return make(content, storages)


def check(found, expected=NAMED):
  assert found.tensors.keys() == expected.keys()
  for name, array in expected.items():
    assert found.tensors[name].dtype == array.dtype
    np.testing.assert_array_equal(found.tensors[name], array)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize(
  "entries",
  [
    {"state_dict": b""},
    {"epoch": b"K\x07", "state_dict": b""},
    {"model": b"", "best": b"G?\xf0\0\0\0\0\0\0"},
    {"optimizer": b"}", "model_state_dict": b""},
  ],
)
def test_finds_the_network_among_other_things(tmp_path, entries, legacy):
  found = read_state_dict(write(tmp_path, checkpoint(entries, legacy=legacy)))
  check(found)
  assert found.place in entries


NUMPY_SCALAR = (
  b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n("
  + handmade.text("f8")
  + b"K\0K\1tR(K\3"
  + handmade.text("<")
  + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
  + b"c_codecs\nencode\n("
  + handmade.text("\x00" * 8)
  + handmade.text("latin1")
  + b"tRtR"
)
NUMPY_ARRAY = (
  b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0t"
  + b"c_codecs\nencode\n("
  + handmade.text("b")
  + handmade.text("latin1")
  + b"tRtR(K\1(K\1t"
  + b"cnumpy\ndtype\n("
  + handmade.text("f4")
  + b"K\0K\1tR\x89c_codecs\nencode\n("
  + handmade.text("\x00" * 4)
  + handmade.text("latin1")
  + b"tRtb"
)


@pytest.mark.parametrize("other", [NUMPY_SCALAR, NUMPY_ARRAY])
def test_numpy_numbers_beside_the_network_are_left_alone(tmp_path, other):
  data = checkpoint({"state_dict": b"", "best_performance": other})
  check(read_state_dict(write(tmp_path, data)))


def test_an_optimizer_beside_the_network_is_not_read(tmp_path):
  """Its storage is damaged, and nobody notices."""
  moments = np.full(5, 3.0, np.float32)
  content = handmade.dictionary(
    {
      "state_dict": handmade.dictionary(
        {"w": handmade.tensor("0", WEIGHT, legacy=False)}
      )[2:-1],
      "optimizer": handmade.dictionary(
        {"m": handmade.tensor("1", moments, legacy=False)}
      )[2:-1],
    }
  )
  data = handmade.zip_file(content, {"0": WEIGHT, "1": moments})
  damaged = data.replace(moments.tobytes(), moments[::-1].tobytes()[:-1] + b"!")
  assert damaged != data
  check(read_state_dict(write(tmp_path, damaged)), {"w": WEIGHT})


def test_the_caller_may_say_where_it_is(tmp_path):
  data = checkpoint(
    {"student": b"", "state_dict": handmade.dictionary({})[2:-1]}
  )
  path = write(tmp_path, data)
  check(read_state_dict(path, "student"))
  with pytest.raises(ValueError, match="Did you mean 'student'"):
    read_state_dict(path, "studnt")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module.model."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path, prefix):
  wrapped = {prefix + name: array for name, array in NAMED.items()}
  found = read_state_dict(
    write(tmp_path, handmade.torch_file(wrapped, legacy=False))
  )
  check(found)
  assert found.prefix == prefix


def test_a_prefix_that_not_all_names_have_stays(tmp_path):
  mixed = {"module.a": BIAS, "b": BIAS}
  path = write(tmp_path, handmade.torch_file(mixed))
  check(read_state_dict(path), mixed)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_reads_half_precision(tmp_path, dtype, legacy):
  named = {"a": np.array([1.5, -0.25, 3.0], dtype)}
  path = write(tmp_path, handmade.torch_file(named, legacy=legacy))
  check(read_state_dict(path), named)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_safetensors_come_back_as_they_were(tmp_path, dtype):
  named = {
    "scalar": np.array(2.0, dtype),
    "transposed": WEIGHT.astype(dtype).transpose(2, 3, 1, 0),
    "empty": np.zeros((0, 3), dtype),
  }
  path = tmp_path / "model.safetensors"
  safetensors_file.write_safetensors(path, named, {"format": "pt"})
  found = read_state_dict(path)
  assert found.tensors.keys() == named.keys()
  for name, array in named.items():
    assert found.tensors[name].dtype == array.dtype
    assert found.tensors[name].shape == array.shape
    np.testing.assert_array_equal(found.tensors[name], array)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
  path = tmp_path / "model.safetensors"
  with pytest.raises(OSError, match="cannot be written"):
    safetensors_file.write_safetensors(path / "below", NAMED)
  safetensors_file.write_safetensors(path, NAMED)
  with pytest.raises(OSError, match="cannot be written"):
    safetensors_file.write_safetensors(path, {"x": np.array(["text"])})
  check(read_state_dict(path))
  assert os.listdir(tmp_path) == ["model.safetensors"]


def header(content):
  text = json.dumps(content).encode()
  return struct.pack("<Q", len(text)) + text


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
BAD_FILES = {
  "empty": (b"", "an empty file"),
  "text": (b"hello world", "it begins with"),
  "lfs": (b"version https://git-lfs", "Git LFS"),
  "page": (b"<!DOCTYPE html><html>", "a web page"),
  "cut header": (header({"a": GOOD})[:20], "damaged"),
  "cut data": (header({"a": GOOD}) + b"\0" * 4, "damaged"),
  "more data": (header({"a": GOOD}) + b"\0" * 12, "damaged"),
  "unknown dtype": (
    header({"a": {**GOOD, "dtype": "F8_E9"}}) + b"\0" * 8,
    "damaged",
  ),
  "huge": (struct.pack("<Q", 2**60) + b"{}", "damaged"),
  "no tensors": (
    handmade.zip_file(handmade.dictionary({"epoch": b"K\1"}), {}),
    "0 tensors and, besides, 'epoch'",
  ),
  "nothing": (handmade.zip_file(b"\x80\x02}.", {}), "nothing at all"),
  "not only tensors": (
    handmade.zip_file(
      handmade.dictionary(
        {
          "model": handmade.dictionary(
            {"w": handmade.tensor("0", BIAS, legacy=False), "shape": b"K\1"}
          )[2:-1]
        }
      ),
      {"0": BIAS},
    ),
    "under 'model'.*1 tensors and, besides, 'shape'",
  ),
  "a list": (handmade.zip_file(b"\x80\x02].", {}), "a list"),
  "itself": (
    handmade.zip_file(
      b"\x80\x02}q\0" + handmade.text("state_dict") + b"h\0s.", {}
    ),
    "no dictionary of tensors",
  ),
  "a program": (
    checkpoint({"state_dict": b"", "x": handmade.call("os", "system", "true")}),
    "refused",
  ),
  "a namespace": (
    checkpoint({"state_dict": b"", "args": b"cargparse\nNamespace\n)R"}),
    r"refused.*argparse\.Namespace",
  ),
  "a whole module": (
    handmade.zip_file(b"\x80\x02ctorch.nn\nLinear\n)\x81.", {}),
    r"refused.*torch\.nn\.Linear.*save the dictionary of tensors",
  ),
  "an object of a known class": (
    handmade.zip_file(b"\x80\x02ccollections\nOrderedDict\n)\x81.", {}),
    "refused.*NEWOBJ",
  ),
  "a storage that is a tensor": (
    checkpoint(
      {"state_dict": b"", "x": b"ctorch._utils\n_rebuild_parameter\n)R"}
    ),
    "damaged",
  ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_says_what_is_wrong_with_a_file(tmp_path, name):
  data, message = BAD_FILES[name]
  path = write(tmp_path, data)
  with pytest.raises(ValueError, match=message) as raised:
    read_state_dict(path)
  text = str(raised.value)
  assert "model.pth" in text
  assert "Expected: " in text
  assert "\n" not in text


def test_folders_and_pipes_are_no_files(tmp_path):
  os.mkfifo(tmp_path / "pipe")
  for path, message in ((tmp_path, "a folder"), (tmp_path / "pipe", "pipe")):
    with pytest.raises(ValueError, match=message):
      read_state_dict(path)
  with pytest.raises(FileNotFoundError):
    read_state_dict(tmp_path / "missing.pth")


def test_what_python_2_wrote_is_read(tmp_path):
  """Texts are byte strings there."""
  content = handmade.dictionary(
    {"w": handmade.tensor("0", WEIGHT, legacy=True)}
  )
  old = content.replace(handmade.text("w"), b"U\x01w")
  assert old != content
  path = write(tmp_path, handmade.legacy_file(old, {"0": WEIGHT}))
  check(read_state_dict(path), {"w": WEIGHT})


def test_attributes_of_an_ordered_dictionary_are_ignored(tmp_path):
  tensor = handmade.tensor("0", WEIGHT, legacy=False)
  state = handmade.dictionary({"_metadata": b"}", "items": b"N"})[2:-1]
  content = (
    b"\x80\x02ccollections\nOrderedDict\n)R("
    + handmade.text("w")
    + tensor
    + b"u"
    + state
    + b"b."
  )
  path = write(tmp_path, handmade.zip_file(content, {"0": WEIGHT}))
  check(read_state_dict(path), {"w": WEIGHT})


def test_parameters_are_tensors(tmp_path):
  tensor = handmade.tensor("0", WEIGHT, legacy=False)
  content = handmade.dictionary(
    {"w": b"ctorch._utils\n_rebuild_parameter\n(" + tensor + b"\x88)tR"}
  )
  path = write(tmp_path, handmade.zip_file(content, {"0": WEIGHT}))
  check(read_state_dict(path), {"w": WEIGHT})


@pytest.mark.parametrize(
  ("member", "message"),
  [("a/b.txt", r"no data\.pkl"), ("a/constants.pkl", "a TorchScript program")],
)
def test_archives_of_other_kinds_are_told_apart(tmp_path, member, message):
  path = tmp_path / "x.pt"
  with zipfile.ZipFile(path, "w") as archive:
    archive.writestr(member, "text")
  with pytest.raises(ValueError, match=message):
    read_state_dict(path)
