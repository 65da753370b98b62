import numpy as np
import pytest
import scipy.io
from PIL import Image

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import nyud, pascal, pascal_files, raw
from jtr_jax.data.inspect import verification
from jtr_jax.data.records import prepared
from tests.data.datasets import pascal_tree as tree

FIRST, SECOND = tree.TRAIN


@pytest.fixture
def root(tmp_path):
  tree.write_pascal(tmp_path / "PASCAL_MT")
  return tmp_path / "PASCAL_MT"


def read(root, split="train", size=tree.SIZE):
  return dict(raw.examples(pascal.scan(root), split, size))


def test_lists_the_images_of_each_split(root):
  data = pascal.scan(root.parent)
  assert [row.id for row in data.splits["train"]] == list(tree.TRAIN)
  assert [row.id for row in data.splits["val"]] == list(tree.VAL)
  assert data.size == (512, 512)
  assert {name: o["kind"] for name, o in data.task_options.items()} == {
    "segmentation": "segmentation",
    "human_parts": "human_parts",
    "normals": "normals",
    "saliency": "saliency",
    "edges": "edges",
  }
  assert len(data.task_options["segmentation"]["classes"]) == 21


def test_classes_have_a_void(root):
  wanted = np.where(tree.semantic() == 255, -1, tree.semantic().astype(int))
  found = read(root)
  for name in tree.TRAIN:  # one from each of the two folders
    np.testing.assert_array_equal(found[name]["segmentation"], wanted)


def test_six_parts_of_people_alone(root):
  found = read(root)
  wanted = np.zeros(tree.SIZE, int)
  wanted[3:6, 3:7] = 2  # torso
  wanted[2, 3:7] = 1
  wanted[5, 3] = 4  # a hand is a lower arm
  wanted[6, 3:7] = 5
  wanted[7, 3:7] = 6  # a foot is a lower leg
  wanted[4, 6] = 3
  np.testing.assert_array_equal(found[FIRST]["human_parts"], wanted)
  assert found[SECOND]["human_parts"] is None


def test_a_person_without_parts_is_no_label(root):
  path = root / "human_parts" / f"{FIRST}.mat"
  scipy.io.savemat(path, {"anno": tree.annotation(with_parts=False)})
  assert read(root)[FIRST]["human_parts"] is None


def test_edges_lie_between_classes_and_are_thin(root):
  ids = np.full((20, 30), 187, np.uint16)
  ids[:, 12:] = 284
  path = root / "pascal-context" / "trainval" / f"{FIRST}.mat"
  scipy.io.savemat(path, {"LabelMap": ids})
  edges = pascal_files.read_edges(path)
  assert (edges.dtype, edges.shape) == (np.dtype("int8"), (20, 30, 1))
  inside = edges[1:-1, :, 0]
  np.testing.assert_array_equal(inside.sum(axis=1), 1)  # both sides differ
  assert inside[:, 11:13].sum() == inside.sum()
  scipy.io.savemat(path, {"LabelMap": np.full((20, 30), 187, np.uint16)})
  assert pascal_files.read_edges(path).sum() == 0


def test_normals_count_where_the_class_has_some(root):
  normals = read(root)[FIRST]["normals"].astype(float)
  known = np.isin(tree.label_map(), (284, 397))  # person and table, no grass
  np.testing.assert_array_equal(np.isfinite(normals).all(-1), known)
  np.testing.assert_allclose(
    normals[known], np.broadcast_to([0, 0, -1], (known.sum(), 3)), atol=0.01
  )


def test_saliency_is_above_one_half(root):
  saliency = read(root)[FIRST]["saliency"][..., 0]
  stored = np.arange(140).reshape(tree.SIZE) + 60
  np.testing.assert_array_equal(saliency, stored / 255 > 0.5)


def test_classes_with_normals_are_those_of_the_released_code():
  ids = pascal_files._WITH_NORMALS
  assert len(ids) == len(set(ids)) == 170
  assert 427 in ids  # tvmonitor, added by hand there
  assert not {187, 324, 360, 420, 431} & set(ids)  # outdoors, unknown


def test_prepares_and_verifies_by_command(root, tmp_path, capsys):
  out = tmp_path / "out"
  given = ["prepare", "pascal", f"--raw={root}", f"--out={out}", "--size=8x8"]
  assert main(given) == 0
  assert "2 train, 1 val images, 8x8" in capsys.readouterr().out
  assert main(["verify", str(out)]) == main(["verify", str(root)]) == 0
  labelled = prepared.open_dataset(out).manifest.split("train").labelled
  np.testing.assert_array_equal(labelled["human_parts"], [True, False])
  assert labelled["edges"].all()


def lost_image(root):
  (root / "JPEGImages" / f"{SECOND}.jpg").unlink()
  return rf"JPEGImages/{SECOND}\.jpg is missing"


def lost_parts(root):
  (root / "human_parts" / f"{FIRST}.mat").unlink()
  return rf"human_parts/{FIRST}\.mat is missing"


def cut_mat(root):
  path = root / "human_parts" / f"{FIRST}.mat"
  path.write_bytes(path.read_bytes()[:200])
  return rf"human_parts/{FIRST}\.mat cannot be read"


def odd_struct(root):
  path = root / "human_parts" / f"{FIRST}.mat"
  scipy.io.savemat(path, {"anno": np.zeros((2, 2))})
  return rf"human_parts/{FIRST}\.mat is not a label file"


def coloured(root):
  path = root / "semseg" / "VOC12" / f"{SECOND}.png"
  Image.fromarray(np.zeros((*tree.SIZE, 3), np.uint8)).save(path)
  return rf"VOC12/{SECOND}\.png is not a segmentation.*indices"


def beyond(root):
  path = root / "semseg" / "VOC12" / f"{SECOND}.png"
  tree.save_palette(path, np.full(tree.SIZE, 40, np.uint8))
  return rf"VOC12/{SECOND}\.png.*ids up to 40"


@pytest.mark.parametrize(
  "spoil", [lost_image, lost_parts, cut_mat, odd_struct, coloured, beyond]
)
def test_names_the_broken_file(root, spoil):
  message = spoil(root)
  with pytest.raises(ValueError, match=message):
    read(root)
  assert len(verification.verify(root).problems) == 1


@pytest.mark.parametrize("text", ["", f"{FIRST}\n{FIRST}\n"])
def test_a_broken_list_is_named(root, text):
  (root / "ImageSets" / "Context" / "val.txt").write_text(text)
  with pytest.raises(ValueError, match=r"Context/val\.txt does not list"):
    pascal.scan(root)


def test_nothing_there(tmp_path):
  with pytest.raises(ValueError, match=r"not found.*PASCAL_MT\.tgz"):
    pascal.scan(tmp_path)
  with pytest.raises(ValueError, match=r"not found.*NYUD_MT\.tgz"):
    nyud.scan(tmp_path)


def test_nyud(tmp_path, capsys):
  tree.write_nyud(tmp_path / "raw")
  data = nyud.scan(tmp_path / "raw")
  assert [row.id for row in data.splits["train"]] == ["0003", "0001"]
  assert len(data.task_options["segmentation"]["classes"]) == 40
  example = dict(raw.examples(data, "train", tree.SIZE))["0003"]
  stored = (np.arange(140) % 41).reshape(tree.SIZE)
  np.testing.assert_array_equal(example["segmentation"], stored - 1)
  assert example["segmentation"].dtype == np.int8
  assert np.isnan(example["depth"][0]).all()
  assert (example["depth"][1:] == 2.5).all()
  assert np.isnan(example["normals"][0]).all()
  assert (example["normals"][1:, :, 1] == -1).all()
  assert example["edges"][4].all()
  assert example["edges"].sum() == tree.SIZE[1]
  out = tmp_path / "out"
  assert (
    main(["prepare", "nyud", f"--raw={tmp_path / 'raw'}", f"--out={out}"]) == 0
  )
  assert "2 train, 1 val images, 10x14" in capsys.readouterr().out
  tree.save(
    tmp_path / "raw/segmentation/0001.png", np.full(tree.SIZE, 41, np.uint8)
  )
  (problem,) = verification.verify(tmp_path / "raw").problems
  assert "segmentation/0001.png" in problem
