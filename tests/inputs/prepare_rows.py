"""Folders, records, splits and options of `jtr_jax.data`."""

import shutil

from tests.inputs import world
from tests.inputs.data_rows import mine
from tests.inputs.rows import Row, rows


def records(name, change):
  """Return what makes a copy of the prepared rooms, changed."""

  def make(here):
    target = here / name
    if not target.exists():
      shutil.copytree(here / "rooms", target)
      change(target)

  return make


def cut_info(folder):
  path = folder / "dataset_info.json"
  path.write_text(path.read_text()[:100])


def edit_manifest(change):
  return lambda folder: world.edit_json(folder / "manifest.json", change)


def without_splits(content):
  return {n: v for n, v in content.items() if n != "splits"}


FOLDERS = rows(
  "data",
  ("verify nowhere", "no data in nowhere"),
  ("verify text", "no data in text"),
  ("verify folder", "no data in folder"),
  ("verify s3://bucket/x", "the URL"),
  ("verify '~/x'", "no shell has expanded"),
  ("inspect nowhere", "no data in nowhere"),
  ("inspect mine --write", "a description of the tasks already"),
  ("inspect mine --tasks=nowhere.toml", "nowhere.toml"),
  ("inspect mine --tasks=folder", "a folder"),
  ("inspect mine --pictures=text", "text"),
  (
    "verify no_val",
    "no_val/val/image",
    mine("no_val", lambda f: shutil.rmtree(f / "val")),
  ),
  (
    "verify no_image",
    "no image in",
    mine(
      "no_image", lambda f: [p.unlink() for p in (f / "val/image").iterdir()]
    ),
  ),
  (
    "verify tab",
    "no name for an image",
    mine(
      "tab",
      lambda f: (f / "train/image/a.png").rename(f / "train/image/a\tb.png"),
    ),
  ),
  (
    "prepare folder --raw=sizes --out=new",
    "different sizes",
    mine("sizes", lambda f: world.photo(f / "train/image/x.png", (9, 9))),
  ),
  ("prepare folder --raw=nowhere --out=new", "no folder nowhere"),
  ("prepare folder --raw=text --out=new", "a file"),
  ("prepare folder --raw=mine --out=text", "no folder"),
  ("prepare folder --raw=mine --out=s3://bucket/x", "the URL"),
  ("prepare folder --raw=mine --out=folder/../run", "Will not write over"),
  ("prepare folder --raw=mine --out=rooms", "--overwrite"),
  (f"prepare folder --raw=mine --out={'x' * 300}", "at most 255 bytes"),
  ("prepare folder --raw=mine --out=new --size=8", "288x384"),
  ("prepare folder --raw=mine --out=new --size=0x8", "'0x8'"),
  ("prepare folder --raw=mine --out=new --size=99999x99999", "at most 32768"),
  ("prepare folder --raw=mine --out=new --size=32768x32768", "fit into memory"),
  ("prepare folder --raw=mine --out=new --fit=crop", "stretch"),
  ("prepare folder --raw=mine --out=new --tasks=text", "text cannot be read"),
  ("prepare folder --raw=mine", "--out"),
  ("prepare folders --raw=mine --out=new", "did you mean 'folder'"),
  ("prepare", "NAME"),
  ("perpare rooms --out=new", "did you mean 'prepare'"),
  ("", "COMMAND"),
  ("prepare rooms --out=new --train=0", "'0'", "from 1"),
  ("prepare rooms --out=new --val=-1", "--val"),
  ("prepare rooms --out=new --train=1.5", "'1.5'"),
  ("prepare rooms --out=new --workers=0", "'0'"),
  ("prepare rooms --out=new --seed=x", "'x'"),
  ("prepare rooms --out=new --size=8x8 --train=1 --val=1", "at least 16"),
  ("prepare rooms --out=new --train=999999999", "would not fit on the disk"),
  ("prepare rooms --out=new --trian=3", "--trian"),
  ("prepare nyuv2 --raw=mine --out=new", "not found in mine"),
  ("prepare nyuv2 --raw=nowhere --out=new", "nowhere"),
  ("prepare cityscapes --raw=mine --out=new", "mine"),
  ("prepare taskonomy --raw=mine --out=new", "mine"),
  ("prepare pascal --raw=mine --out=new", "mine"),
  ("prepare voc --raw=mine --out=new", "mine"),
  ("prepare cifar --raw=mine --out=new", "mine"),
  ("prepare nyud --raw=mine --out=new", "mine"),
  ("prepare nyu_depth --raw=mine --out=new", "mine"),
  ("join rooms --out=rooms", "rooms"),
  ("join nowhere --out=new", "nowhere"),
  ("join rooms rooms --out=new", "rooms"),
  ("join rooms --out=text", "text"),
)

RECORDS = rows(
  "data",
  (
    "verify records_0",
    "dataset_info.json",
    records("records_0", cut_info),
  ),
  (
    "inspect records_1",
    "no manifest that this version can read",
    records("records_1", edit_manifest(lambda c: [])),
  ),
  (
    "inspect records_2",
    "no manifest that this version can read",
    records("records_2", edit_manifest(without_splits)),
  ),
  (
    "inspect records_3",
    "version 99",
    records("records_3", edit_manifest(lambda c: {**c, "version": 99})),
  ),
  (
    "inspect records_4",
    "no manifest that this version can read",
    records("records_4", lambda f: (f / "manifest.json").write_text("{")),
  ),
  (
    "inspect records_5",
    "does not name prepared data sets",
    lambda here: (
      (here / "records_5").mkdir(exist_ok=True),
      (here / "records_5" / "joined.json").write_text("[]"),
    ),
  ),
  (
    "inspect records_6",
    "cannot be read",
    records(
      "records_6",
      lambda f: [p.write_bytes(b"") for p in f.glob("*train.array_record*")],
    ),
  ),
  (
    "inspect records_7",
    "no manifest that this version can read",
    records("records_7", edit_manifest(lambda c: {**c, "size": "big"})),
  ),
)
RECORDS = [
  Row(r.command, r.words, r.says, r.make, table=r.words.startswith("verify"))
  for r in RECORDS
]

SPLITS = rows(
  "data",
  ("split make nothing --numbered=6 --tasks=a,b --out=new", "label scenario"),
  ("split make onelabel --numbered=0 --tasks=a,b --out=new", "'0'"),
  ("split make onelabel --numbered=-3 --tasks=a,b --out=new", "-3"),
  ("split make onelabel --numbered=x --tasks=a,b --out=new", "'x'"),
  ("split make onelabel --numbered=6 --out=new", "--tasks"),
  ("split make onelabel --numbered=6 --tasks=a,a --out=new", "'a'"),
  ("split make onelabel --numbered=6 --tasks=a,,b --out=new", "'a,,b'"),
  ("split make onelabel --ids=nowhere --tasks=a,b --out=new", "nowhere"),
  ("split make onelabel --ids=binary --tasks=a,b --out=new", "binary"),
  ("split make onelabel --ids=empty --tasks=a,b --out=new", "empty"),
  ("split make onelabel --data=nowhere --out=new", "no prepared data set"),
  (
    "split make onelabel --data=rooms --split=trian --out=new",
    "Did you mean 'train'",
  ),
  ("split make onelabel --data=rooms --out=folder", "folder"),
  ("split make onelabel --data=rooms --out=nowhere/x", "Make nowhere first"),
  ("split make randomlabels --numbered=6 --tasks=a --out=new", "task"),
  ("split make onelabel --numbered=6 --tasks=a,b --out=new --seed=x", "'x'"),
  ("split show nowhere", "nowhere"),
  ("split show folder", "a folder"),
  ("split show text", "text, line 1"),
  ("split import binary --numbered=6 --tasks=a --out=new", "binary"),
  ("split import nowhere.pth --data=rooms --out=new", "nowhere.pth"),
  ("split import list.json --data=rooms --out=new", "list.json"),
)

PREPARED = [*FOLDERS, *RECORDS, *SPLITS]
