import json
import shutil

import numpy as np
import pytest
from PIL import Image

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import raw, taskonomy, taskonomy_splits
from jtr_jax.data.inspect import verification
from jtr_jax.data.records import prepared
from tests.data.datasets import taskonomy_tree as tree

LAYOUTS = (
  "{building}/{domain}",
  "{domain}/taskonomy/{building}",
  "{domain}/{building}",
  "{building}_{domain}",
)


def list_all(root, **options):
  parts = taskonomy.scan(root, skip_missing=True, **options).parts
  return {name: scan(raw.raise_error) for name, scan in parts.items()}


def read(root, building="hanson", size=tree.SIZE, **options):
  data = list_all(root, **options)[building]
  (split,) = data.splits
  return dict(raw.examples(data, split, size))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(tmp_path, layout):
  tree.write(tmp_path, layout=layout)
  listed = list_all(tmp_path)
  assert {name: list(data.splits) for name, data in listed.items()} == {
    "hanson": ["train"],
    "darden": ["val"],
    "ihlen": ["test"],
  }
  assert list(listed["hanson"].tasks) == [
    "segmentation",
    "depth",
    "normals",
    "edge_occlusion",
    "reshading",
    "keypoints2d",
    "edge_texture",
  ]
  assert listed["hanson"].size == (256, 256)
  ids = [row.id for row in listed["hanson"].splits["train"]]
  assert ids == ["hanson_point_0_view_0", "hanson_point_10_view_3"]


def test_names_without_a_domain(tmp_path):
  tree.write(tmp_path, layout="{domain}/{building}", suffix=False)
  assert len(read(tmp_path)) == 2


def test_units_and_holes(tmp_path):
  tree.write(tmp_path)
  example = read(tmp_path)["hanson_point_0_view_0"]
  files = tree.arrays()
  np.testing.assert_array_equal(example["image"], files["rgb"])
  np.testing.assert_array_equal(
    example["segmentation"], files["segment_semantic"].astype(int) - 1
  )
  hole = np.zeros(tree.SIZE, bool)
  hole[:2] = True
  metres = np.where(hole, np.nan, tree.depth() / 512)
  np.testing.assert_array_equal(example["depth"][..., 0], metres)
  for name, expected in (
    ("edge_occlusion", files["edge_occlusion"] / 239.1265),
    ("reshading", np.full(tree.SIZE, 0.2 / 0.2846)),
  ):
    np.testing.assert_allclose(
      example[name][..., 0], np.where(hole, np.nan, expected), rtol=1e-3
    )
  for name, scale in (("keypoints2d", 100), ("edge_texture", 1070)):
    np.testing.assert_allclose(
      example[name][..., 0], files[name] / scale, rtol=1e-3
    )
  assert np.isnan(example["normals"][:2]).all()
  np.testing.assert_allclose(
    example["normals"][2:], np.broadcast_to([0, -1, 0], (14, 16, 3)), atol=0.01
  )


def test_labels_are_picked_not_blended(tmp_path):
  tree.write(tmp_path)
  example = read(tmp_path, size=(8, 8))["hanson_point_0_view_0"]
  np.testing.assert_array_equal(
    example["depth"][1:, :, 0], tree.depth()[3::2, 1::2] / 512
  )
  assert np.isnan(example["depth"][0]).all()


def test_missing_domains_leave_their_task_out(tmp_path):
  tree.write(tmp_path, domains=("rgb", "normal", "keypoints2d"))
  example = read(tmp_path)["hanson_point_0_view_0"]
  assert list(example) == ["image", "normals", "keypoints2d"]
  # Without depth a hole is where the vector is zero.
  assert np.isnan(example["normals"][:2]).all()
  assert np.isfinite(example["normals"][2:]).all()


def test_the_tiny_partition():
  counts = {
    s: list(taskonomy_splits.TINY.values()).count(s)
    for s in ["train", "val", "test"]
  }
  assert counts == {"train": 25, "val": 5, "test": 5}


def test_other_partitions(tmp_path):
  tree.write(tmp_path, ("hanson", "elsewhere"))
  tree.write_partition(
    tmp_path / "p.csv", {"elsewhere": "val", "hanson": "test"}
  )
  listed = list_all(tmp_path, partition=tmp_path / "p.csv")
  assert {n: list(d.splits) for n, d in listed.items()} == {
    "elsewhere": ["val"],
    "hanson": ["test"],
  }


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("id,train,val,test\rhanson,1,1,0", "hanson in train, val"),
    ("id,train,val,test\rhanson,0,0,0", "hanson in none"),
    ("id,train,val,test\ra,1,0,0\ra,0,1,0", "a in val"),
    ("name,train\rhanson,1", "KeyError"),
    ("", "no building"),
  ],
)
def test_broken_partitions(tmp_path, text, message):
  (tmp_path / "p.csv").write_text(text)
  with pytest.raises(ValueError, match=rf"p\.csv.*{message}"):
    taskonomy_splits.read_partition(tmp_path / "p.csv")


def prepare(tmp_path, *flags):
  return main(
    [
      "prepare",
      "taskonomy",
      f"--raw={tmp_path / 'raw'}",
      f"--out={tmp_path / 'out'}",
      "--size=8x8",
      *flags,
    ]
  )


def test_one_directory_a_building_joined(tmp_path, capsys):
  tree.write(tmp_path / "raw", ("hanson", "merom", "darden", "ihlen"))
  assert prepare(tmp_path) == 1
  assert "no images of allensville, beechwood" in capsys.readouterr().err
  assert prepare(tmp_path, "--skip_missing") == 0
  printed = capsys.readouterr().out
  assert "4 train, 2 val, 2 test images, 8x8" in printed
  out = tmp_path / "out"
  assert {p.name for p in out.iterdir() if p.is_dir()} == {
    "hanson",
    "merom",
    "darden",
    "ihlen",
  }
  dataset = prepared.open_dataset(out)
  ids = dataset.manifest.split("train").ids
  source = dataset.source("train")
  assert len(source) == len(ids) == 4
  assert [source[i]["id"] for i in range(4)] == list(ids)
  assert ids[3] == "merom_point_10_view_3"
  assert main(["verify", str(out)]) == 0
  assert prepare(tmp_path, "--skip_missing") == 1
  assert "--overwrite" in capsys.readouterr().err


def test_an_interrupted_preparation_goes_on(tmp_path, capsys):
  tree.write(tmp_path / "raw", ("hanson", "merom"))
  broken = tree.path_of(
    tmp_path / "raw", LAYOUTS[0], "merom", "normal", "point_0_view_0"
  )
  kept = broken.read_bytes()
  broken.write_bytes(kept[:50])
  assert prepare(tmp_path, "--skip_missing") == 1
  assert str(broken) in capsys.readouterr().err
  out = tmp_path / "out"
  assert {p.name for p in out.iterdir()} == {"hanson"}
  assert not prepared.is_prepared(out)
  stamp = (out / "hanson" / "manifest.json").stat().st_mtime_ns
  broken.write_bytes(kept)
  assert prepare(tmp_path, "--skip_missing", "--fit=pad") == 1
  assert "prepared otherwise before. Found: fit 'stretch'" in (
    capsys.readouterr().err
  )
  assert prepare(tmp_path, "--skip_missing") == 0
  assert (out / "hanson" / "manifest.json").stat().st_mtime_ns == stamp
  assert prepared.open_dataset(out).manifest.split("train").size == 4


def test_buildings_can_be_chosen(tmp_path, capsys):
  tree.write(tmp_path / "raw", ("hanson", "merom"))
  assert prepare(tmp_path, "--buildings=merom") == 0
  assert "2 train images" in capsys.readouterr().out
  assert prepare(tmp_path, "--buildings=meron") == 1
  assert "Did you mean 'merom'" in capsys.readouterr().err


def test_verify_names_every_file_of_every_building(tmp_path):
  tree.write(tmp_path, tuple(taskonomy_splits.TINY))
  lost = tree.path_of(
    tmp_path, LAYOUTS[0], "darden", "segment_semantic", "point_0_view_0"
  )
  cut = tree.path_of(
    tmp_path, LAYOUTS[0], "ihlen", "edge_texture", "point_10_view_3"
  )
  lost.unlink()
  cut.write_bytes(cut.read_bytes()[:60])
  shutil.rmtree(tmp_path / "hanson" / "normal")
  shutil.rmtree(tmp_path / "merom")
  problems = verification.verify(tmp_path).problems
  assert len(problems) == 5
  for text in (str(lost), str(cut), "hanson/normal", "no images of merom"):
    assert any(text in problem for problem in problems)


def eight_bits(path):
  Image.fromarray(np.zeros(tree.SIZE, np.uint8)).save(path)


def coloured(path):
  Image.fromarray(np.zeros((*tree.SIZE, 3), np.uint8)).save(path)


def many_ids(path):
  Image.fromarray(np.full(tree.SIZE, 40, np.uint8)).save(path)


@pytest.mark.parametrize(
  ("domain", "spoil", "text"),
  [
    ("depth_zbuffer", eight_bits, r"uint8\[16, 16\]. Expected: uint16"),
    ("keypoints2d", eight_bits, r"uint8\[16, 16\]. Expected: uint16"),
    ("segment_semantic", coloured, r"uint8\[16, 16, 3\]. Expected: uint8"),
    ("segment_semantic", many_ids, r"ids up to 40. Expected: ids 0 to 17"),
  ],
)
def test_other_forms_are_named(tmp_path, domain, spoil, text):
  tree.write(tmp_path, ("hanson",))
  path = tree.path_of(tmp_path, LAYOUTS[0], "hanson", domain, "point_0_view_0")
  spoil(path)
  with pytest.raises(ValueError, match=rf"{path.name} is not.*{text}"):
    read(tmp_path)


def test_nothing_there(tmp_path):
  with pytest.raises(
    ValueError, match=r"not found.*BUILDING/DOMAIN.*omnitools"
  ):
    taskonomy.scan(tmp_path)


def test_joining_directories_by_command(tmp_path, capsys):
  tree.write(tmp_path / "raw", ("hanson", "merom"))
  assert prepare(tmp_path, "--skip_missing") == 0
  parts = [str(tmp_path / "out" / name) for name in ("merom", "hanson")]
  out = tmp_path / "both"
  assert main(["join", *parts, f"--out={out}", "--name=two"]) == 0
  manifest = prepared.open_dataset(out).manifest
  assert (manifest.name, manifest.split("train").size) == ("two", 4)
  assert manifest.split("train").ids[0].startswith("merom")
  assert json.loads((out / "joined.json").read_text())["parts"] == [
    "../out/merom",
    "../out/hanson",
  ]
  capsys.readouterr()
  assert main(["join", *parts, f"--out={out}"]) == 1
  assert "Will not write over" in capsys.readouterr().err
  assert main(["join", parts[0], parts[0], f"--out={tmp_path / 'x'}"]) == 1
  assert "overlap in image 'merom_point_0_view_0'" in capsys.readouterr().err
  shutil.rmtree(tmp_path / "out" / "merom")
  with pytest.raises(ValueError, match=r"part .* is missing: .*merom"):
    prepared.open_dataset(out)
