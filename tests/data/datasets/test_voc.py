import numpy as np
import pytest

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import raw, voc
from jtr_jax.data.inspect import verification
from tests.data.datasets import pascal_tree as tree

IDS = {"train": ("a", "b"), "trainaug": ("a", "b", "c"), "val": ("d",)}


@pytest.fixture
def root(tmp_path):
  folder = tmp_path / "VOCdevkit" / "VOC2012"
  for name, ids in IDS.items():
    path = folder / "ImageSets" / "Segmentation" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{i}\n" for i in ids))
  rng = np.random.default_rng(0)
  for name in "abcde":
    photo = rng.integers(0, 256, (*tree.SIZE, 3), dtype=np.uint8)
    tree.save(folder / "JPEGImages" / f"{name}.jpg", photo)
    place = "SegmentationClassAug" if name == "c" else "SegmentationClass"
    tree.save_palette(folder / place / f"{name}.png", tree.semantic())
  return tmp_path


def test_lists_and_classes(root):
  data = voc.scan(root)
  assert [row.id for row in data.splits["train"]] == ["a", "b"]
  assert [row.id for row in data.splits["val"]] == ["d"]
  example = dict(raw.examples(data, "train", tree.SIZE))["b"]
  wanted = np.where(tree.semantic() == 255, -1, tree.semantic().astype(int))
  np.testing.assert_array_equal(example["segmentation"], wanted)


def test_augmented_training_set(root):
  data = voc.scan(root, training="trainaug")
  assert [row.id for row in data.splits["train"]] == ["a", "b", "c"]
  assert "SegmentationClassAug" in str(data.splits["train"][2].labels)
  assert data.source["training"] == "trainaug"


def test_padded_to_a_square_by_command(root, tmp_path, capsys):
  out = tmp_path / "out"
  given = ["prepare", "voc", f"--raw={root}", f"--out={out}", "--size=14x14"]
  assert main([*given, "--fit=pad"]) == 0
  assert "2 train, 1 val images, 14x14" in capsys.readouterr().out
  from jtr_jax.data.records import prepared

  label = prepared.open_dataset(out).source("train")[0]["segmentation"]
  assert (label[10:] == -1).all()
  assert (label[:10] >= -1).all()
  assert (label[:10] == 15).any()


def test_names_what_is_missing(root):
  folder = root / "VOCdevkit" / "VOC2012"
  (folder / "SegmentationClass" / "d.png").unlink()
  with pytest.raises(ValueError, match=r"SegmentationClass/d\.png is missing"):
    voc.scan(root)
  (problem,) = verification.verify(root).problems
  assert "d.png" in problem
  (folder / "ImageSets" / "Segmentation" / "trainaug.txt").unlink()
  with pytest.raises(ValueError, match=r"trainaug\.txt does not list"):
    voc.scan(root, training="trainaug")


def test_nothing_there(tmp_path):
  with pytest.raises(ValueError, match=r"not found.*VOCtrainval"):
    voc.scan(tmp_path)
