import re
import shutil

import numpy as np
import pytest
from PIL import Image

from jtr_jax.data.__main__ import main
from jtr_jax.data.datasets import prepare
from jtr_jax.data.records import prepared
from tests import ROOT

TOML = '[parts]\nkind = "segmentation"\nclasses = 3\n'


@pytest.fixture
def root(tmp_path):
  rng = np.random.default_rng(0)
  for split, count in (("train", 4), ("val", 2)):
    for name in ("image", "parts"):
      (tmp_path / "mine" / split / name).mkdir(parents=True)
    for i in range(count):
      photo = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
      parts = rng.integers(0, 3, (6, 8), dtype=np.uint8)
      folder = tmp_path / "mine" / split
      Image.fromarray(photo).save(folder / "image" / f"{i}.png")
      if i != 1:
        Image.fromarray(parts).save(folder / "parts" / f"{i}.png")
  return tmp_path / "mine"


def test_a_user_gets_from_a_folder_to_records(root, tmp_path, capsys):
  assert main(["inspect", str(root)]) == 0
  proposal = capsys.readouterr().out
  assert '[parts]\nkind = "segmentation"\nclasses = 3\n' in proposal
  (tmp_path / "t.toml").write_text(proposal)
  tasks = f"--tasks={tmp_path / 't.toml'}"
  out = str(tmp_path / "out")
  assert main(["verify", str(root), tasks]) == 0
  assert "0 problems" in capsys.readouterr().out
  prepare_it = ["prepare", "folder", f"--raw={root}", f"--out={out}", tasks]
  assert main(prepare_it) == 0
  assert "4 train, 2 val images, 6x8" in capsys.readouterr().out
  assert main(prepare_it) == 1
  assert "--overwrite" in capsys.readouterr().err
  assert main([*prepare_it, "--overwrite", "--size=3x4"]) == 0
  assert prepared.open_dataset(out).manifest.size == (3, 4)


def test_inspect_tells_the_same_of_raw_and_prepared(root, tmp_path, capsys):
  (root / "tasks.toml").write_text(TOML)
  main(["prepare", "folder", f"--raw={root}", f"--out={tmp_path / 'out'}"])
  capsys.readouterr()
  tables = []
  for path in (root, tmp_path / "out"):
    assert main(["inspect", str(path), f"--pictures={tmp_path / 'p'}"]) == 0
    tables.append(capsys.readouterr().out.split("\n", 1)[1])
  assert tables[0] == tables[1]
  assert "3 of 4" in tables[0]
  assert "class_2" in tables[0]
  assert "100.0%" in tables[0]
  with Image.open(tmp_path / "p" / "train.png") as sheet:
    assert np.unique(np.asarray(sheet)).size > 50


def test_verify_fails_and_names_the_file(root, capsys):
  (root / "tasks.toml").write_text(TOML)
  (root / "train" / "parts" / "2.png").write_bytes(b"not a picture")
  assert main(["verify", str(root)]) == 1
  printed = capsys.readouterr().out
  assert "train/parts/2.png" in printed
  assert "1 problems" in printed


def test_verify_fails_on_broken_records(dataset, tmp_path, capsys):
  copy = tmp_path / "copy"
  shutil.copytree(dataset.directory, copy)
  next(copy.glob("*val.array_record*")).write_bytes(b"")
  assert main(["verify", str(copy)]) == 1
  assert "val record 4" in capsys.readouterr().out


def test_no_data_at_all_is_an_error(tmp_path, capsys):
  for command in ("inspect", "verify"):
    assert main([command, str(tmp_path)]) == 1
    assert "There is no data" in capsys.readouterr().err


def test_a_wrong_size_is_explained(tmp_path, capsys):
  with pytest.raises(SystemExit):
    main(["prepare", "folder", "--raw=x", "--out=y", "--size=288"])
  assert "such as 288x384" in capsys.readouterr().err


def test_nyuv2_is_prepared_or_the_command_is_named(tmp_path, capsys):
  out = tmp_path / "out"
  with pytest.raises(ValueError, match=r"mtan.*prepare nyuv2.*data=rooms"):
    prepare.ensure_prepared("nyuv2", out)
  rng = np.random.default_rng(0)
  for split, count in (("train", 2), ("val", 1)):
    for name, shape in MTAN.items():
      (tmp_path / "raw" / split / name).mkdir(parents=True)
      for i in range(count):
        path = tmp_path / "raw" / split / name / f"{i}.npy"
        np.save(path, rng.integers(0, 2, shape).astype(np.float64))
  raw = f"--raw={tmp_path / 'raw'}"
  assert main(["prepare", "nyuv2", raw, f"--out={out}"]) == 0
  assert "2 train, 1 val images, 4x6" in capsys.readouterr().out
  assert main(["verify", str(out)]) == 0
  dataset = prepare.ensure_prepared("nyuv2", out)
  assert dataset.manifest.split("train").ids == ("0", "1")


MTAN = {
  "image": (4, 6, 3),
  "label": (4, 6),
  "depth": (4, 6, 1),
  "normal": (4, 6, 3),
}


def test_rooms_are_prepared_without_any_data(tmp_path, capsys):
  out = tmp_path / "rooms"
  numbers = ["--size=24x32", "--train=2", "--val=1", "--workers=1"]
  assert main(["prepare", "rooms", f"--out={out}", *numbers]) == 0
  assert "2 train, 1 val images, 24x32" in capsys.readouterr().out
  assert main(["verify", str(out)]) == 0
  found = prepare.ensure_prepared("rooms", out, size=(24, 32), train=2, seed=0)
  assert len(found.manifest.tasks) == 7
  assert found.source("train")[1]["depth"].shape == (24, 32, 1)
  with pytest.raises(ValueError, match=r"seed 0. Expected: seed 1"):
    prepare.ensure_prepared("rooms", out, seed=1)


def test_split_is_a_command(tmp_path, capsys):
  out = f"--out={tmp_path / 'split.txt'}"
  make = ["split", "make", "onelabel", "--numbered=6", "--tasks=a,b", out]
  assert main(make) == 0
  assert "6 images, 2 tasks" in capsys.readouterr().out


def test_unknown_data_set_names_the_known(tmp_path):
  with pytest.raises(ValueError, match="Did you mean 'rooms'"):
    prepare.ensure_prepared("room", tmp_path)


@pytest.mark.parametrize("name", prepare.PREPARERS)
def test_every_option_of_every_data_set_is_explained(name, capsys):
  preparer = prepare.PREPARERS[name]
  assert all(len(text) > 9 for text in preparer.help.values())
  with pytest.raises(SystemExit):
    main(["prepare", name, "--help"])
  printed = capsys.readouterr().out
  assert all(f"--{option}" in printed for option in preparer.options)


def test_every_data_set_has_a_section_with_its_command():
  page = (ROOT / "docs" / "datasets.md").read_text()
  for name in set(prepare.PREPARERS) - {"rooms", "folder"}:
    assert f"jtr_jax.data prepare {name} --raw=" in page
  for command in re.findall(r"jtr_jax\.data (prepare (?!NAME).*)", page):
    name, *flags = command.split()[1:]
    known = {f"--{option}" for option in prepare.PREPARERS[name].options}
    assert {flag.partition("=")[0] for flag in flags} <= known | {"--out"}
