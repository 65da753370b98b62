import argparse

import numpy as np
import pytest

from jtr_jax.data import __main__ as data_command
from jtr_jax.data.label_splits import command, scenarios, text_file
from jtr_jax.data.records import manifest
from tests.tensor_files import handmade_pickles as handmade


def run(*arguments):
  parser = argparse.ArgumentParser()
  command.add_parser(parser.add_subparsers(dest="command"))
  args = parser.parse_args(["split", *map(str, arguments)])
  assert args.run(args) == 0


def test_makes_and_shows(tmp_path, capsys):
  ids, out = tmp_path / "ids.txt", tmp_path / "split.tsv"
  ids.write_text("a\nb\n\nc\n")
  run(
    "make", "onelabel", "--seed", 4, "--ids", ids, "--tasks", "depth,normals",
    "--out", out,
  )  # fmt: skip
  made = capsys.readouterr().out
  expected = scenarios.make_split(
    "onelabel", ("a", "b", "c"), ("depth", "normals"), seed=4
  )
  found = text_file.load_split(out)
  assert found.ids == expected.ids
  np.testing.assert_array_equal(found.labelled, expected.labelled)
  run("show", out)
  assert capsys.readouterr().out == made == scenarios.describe(expected)


def test_imports(tmp_path, capsys):
  released, out = tmp_path / "onelabel.pth", tmp_path / "split.tsv"
  rows = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
  released.write_bytes(handmade.torch_file({"labels_weights": rows}))
  tasks = "segmentation,depth,normals"
  run("import", released, "--numbered", 4, "--tasks", tasks, "--out", out)
  assert "4 images, 3 tasks; scenario onelabel.pth" in capsys.readouterr().out
  np.testing.assert_array_equal(text_file.load_split(out).labelled, rows == 1)


def test_takes_names_from_a_prepared_data_set(tmp_path, capsys):
  described = manifest.Manifest(
    name="x",
    size=(2, 2),
    tasks={"depth": {"kind": "depth"}, "normals": {"kind": "normals"}},
    splits={"val": manifest.Split(ids=("a", "b"), labelled={})},
    source={},
  )
  manifest.write_manifest(described, tmp_path)
  out = tmp_path / "split.tsv"
  given = ("make", "onelabel", "--data", tmp_path, "--out", out)
  run(*given, "--split", "val")
  found = text_file.load_split(out)
  assert (found.ids, found.tasks) == (("a", "b"), ("depth", "normals"))
  run(*given, "--split", "val", "--tasks", "normals")
  assert text_file.load_split(out).tasks == ("normals",)
  with pytest.raises(ValueError, match="Unknown split of x"):
    run(*given)


def test_refuses_empty_lists(tmp_path):
  ids = tmp_path / "ids.txt"
  ids.write_text("\n")
  with pytest.raises(ValueError, match="does not list sample ids"):
    run("make", "full", "--ids", ids, "--tasks", "depth", "--out", "x")
  with pytest.raises(ValueError, match="does not name the tasks"):
    run("make", "full", "--numbered", 3, "--out", "x")


def test_a_missing_file_is_named_without_a_traceback(tmp_path, capsys):
  path = tmp_path / "split.tsv"
  assert data_command.main(["split", "show", str(path)]) == 1
  assert str(path) in capsys.readouterr().err
