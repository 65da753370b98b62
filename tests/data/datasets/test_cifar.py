import pickle

import numpy as np
import pytest

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import cifar, raw
from jtr_jax.data.datasets.cifar_classes import DOMAINS, FINE
from jtr_jax.data.inspect import contents
from jtr_jax.data.records import prepared
from tests.data.datasets import cifar_files, python2_pickles
from tests.data.datasets.cifar_files import COARSE, TRAIN, images


@pytest.fixture
def root(tmp_path):
  folder = tmp_path / "cifar-100-python"
  cifar_files.write(folder)
  return folder


def test_the_hand_made_files_are_what_python_reads(root):
  read = pickle.loads((root / "train").read_bytes(), encoding="latin1")
  assert read["fine_labels"] == TRAIN
  assert read["data"].shape == (6, 3072)


def test_every_class_has_its_domain():
  assert len(FINE) == 100
  assert all(len(names) == 5 for names in DOMAINS.values())
  assert list(DOMAINS)[14] == "people"
  assert [FINE[i] for i in (0, 39, 58, 83, 99)] == [
    "apple", "keyboard", "pickup_truck", "sweet_pepper", "worm",
  ]  # fmt: skip


def test_each_image_has_one_label(root):
  data = cifar.scan(root.parent)
  assert list(data.tasks) == list(DOMAINS)
  assert data.task_options["people"]["classes"] == list(DOMAINS["people"])
  found = list(raw.examples(data, "train", (32, 32)))
  people = [0, 1, 4]  # baby, boy, woman
  fruit = [0, 1, 2]  # apple, mushroom, orange
  expected = [("fruit_and_vegetables", n) for n in fruit]
  expected += [("people", n) for n in people]
  for i, (name, arrays) in enumerate(found):
    assert name == f"train_{i:05d}"
    np.testing.assert_array_equal(arrays["image"], images(6, 0)[i])
    labels = {t: a for t, a in arrays.items() if t in DOMAINS and a is not None}
    ((task, label),) = labels.items()
    assert (task, int(label[0, 0])) == expected[i]
    assert (label.dtype, label.shape) == (np.int8, (1, 1))


def test_prepares_and_verifies_by_command(root, tmp_path, capsys):
  out = tmp_path / "out"
  assert main(["prepare", "cifar", f"--raw={root}", f"--out={out}"]) == 0
  assert "6 train, 2 val images, 32x32" in capsys.readouterr().out
  assert main(["verify", str(out)]) == main(["verify", str(root)]) == 0
  manifest = prepared.open_dataset(out).manifest
  assert manifest.split("train").labelled["people"].sum() == 3
  assert manifest.split("val").labelled["people"].sum() == 0


def test_reader_travels_to_another_process_without_what_it_read(root):
  data = cifar.scan(root)
  packed = pickle.dumps(data)
  assert len(packed) < 12_000  # the images are 18 kB
  there = pickle.loads(packed)
  np.testing.assert_array_equal(
    next(raw.examples(there, "val", (32, 32)))[1]["image"], images(2, 1)[0]
  )


def cut(root):
  path = root / "train"
  path.write_bytes(path.read_bytes()[:-900])
  return r"train: the file is damaged"


def code(root):
  bad = b"\x80\x02cposix\nsystem\nU\x05false\x85R."
  (root / "train").write_bytes(bad)
  return r"train: refused, the file asks to run code.*posix\.system"


def other_values(root):
  text = (root / "train").read_bytes().replace(b"U\x02u1", b"U\x02i1")
  (root / "train").write_bytes(text)
  return r"train: the file is damaged.*other values than bytes"


def other_domains(root):
  coarse = [0] * len(TRAIN)
  file = python2_pickles.cifar(images(6, 0), TRAIN, coarse)
  (root / "train").write_bytes(file)
  return r"train is not a file.*classes in other domains"


def cifar10(root):
  entries = {"labels": python2_pickles.numbers([1, 2])}
  (root / "train").write_bytes(python2_pickles.dictionary(entries))
  return r"train is not a file.*KeyError"


def fewer_labels(root):
  coarse = [COARSE[i] for i in TRAIN[:5]]
  file = python2_pickles.cifar(images(6, 0), TRAIN[:5], coarse)
  (root / "train").write_bytes(file)
  return r"train is not a file.*5 labels for pixels \[6, 3072\]"


def lost(root):
  (root / "test").unlink()
  return r"test is missing"


@pytest.mark.parametrize(
  "spoil",
  [cut, code, other_values, other_domains, cifar10, fewer_labels, lost],
)
def test_names_the_broken_file(root, spoil):
  message = spoil(root)
  with pytest.raises(ValueError, match=message):
    cifar.scan(root)


def test_nothing_there(tmp_path):
  with pytest.raises(ValueError, match=r"not found.*cifar-100-python\.tar\.gz"):
    cifar.scan(tmp_path)
  assert contents.find_layout(tmp_path) == ""
