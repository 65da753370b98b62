"""Inputs of the other commands that cannot be used."""

import numpy as np

from tests.inputs import world
from tests.inputs.config_rows import ROOMS
from tests.inputs.rows import Row, rows

CONFIG = ROOMS.replace(" --workdir=new", "")


def unfinished(here):
  world.copy_run(here, "unfinished", lambda f: (f / "result.json").unlink())


def card(name, text):
  return lambda here: world.copy_run(
    here, name, lambda f: (f / "result.json").write_text(text)
  )


def no_outcomes(here):
  world.copy_run(
    here,
    "no_outcomes",
    lambda f: world.edit_json(
      f / "result.json", lambda c: {**c, "outcomes": []}
    ),
  )


def second_run(here):
  world.copy_run(here, "second_run")


def linked_run(here):
  if not (here / "linked_run").exists():
    (here / "linked_run").symlink_to(here / "run")


COMPARE = rows(
  "compare",
  ("", "nothing to compare"),
  ("nowhere", "nowhere"),
  ("text", "text"),
  ("folder", "folder"),
  ("run run", "named twice"),
  ("run run/", "named twice"),
  ("run linked_run", "named twice", linked_run),
  ("unfinished", "unfinished/result.json", unfinished),
  ("run unfinished", "Left out", "unfinished", unfinished),
  ("card_0", "card_0/result.json is missing or damaged", card("card_0", "[]")),
  ("card_1", "card_1/result.json is missing or damaged", card("card_1", "{")),
  ("card_2", "card_2/result.json is missing or damaged", card("card_2", "{}")),
  ("no_outcomes", "no 'last' outcome", no_outcomes),
  ("run --against=must", "group of runs"),
  ("run --rule=first", "last"),
  ("run --epoch=-1", "--epoch=-1"),
  ("run --epoch=999", "epoch 999"),
  ("run --epoch=x", "x"),
  ("run --epcoh=3", "Did you mean --epoch"),
  ("s3://bucket/run", "the URL"),
  ("'~/run'", "no shell has expanded"),
)

BENCHMARK = rows(
  "benchmark",
  ("", "There is no config"),
  (f"{CONFIG} --runs=0", "--runs=0"),
  (f"{CONFIG} --runs=-5", "--runs=-5"),
  (f"{CONFIG} --runs=many", "many"),
  (f"{CONFIG} --runs=99999999999", "--runs=99999999999"),
  (f"{CONFIG} --json=nowhere/x.json", "Make nowhere first"),
  (f"{CONFIG} --json=folder", "a folder"),
  (f"{CONFIG} --json=s3://bucket/x.json", "the URL"),
  (f"{CONFIG} --balancing=PCGrad", "Did you mean 'pcgrad'"),
  (f"{CONFIG} --balancing=pcgrad@heads", "balancing.scope"),
  (f"{CONFIG} --balancing=uw --json=new", "one of them"),
  (f"{CONFIG} extra", "extra"),
  (f"{CONFIG} --config.tasks=sky", "'sky'"),
  ("--config=nowhere.py", "no such file"),
)

WEIGHTS = rows(
  "weights",
  ("", "COMMAND"),
  ("shwo x", "did you mean 'show'"),
  ("show", "file"),
  ("show nowhere.pth", "nowhere.pth"),
  ("show folder", "a folder"),
  ("show binary", "binary"),
  ("show text", "text"),
  ("show empty", "empty"),
  ("show 's3://bucket/x.pth'", "the URL"),
  ("show broken_link", "a link to nothing"),
  ("import nowhere.pth --network=resnet18 --out=new", "nowhere.pth"),
  ("import binary --network=resnet18 --out=new", "binary"),
  ("import binary --network=resnet18", "--out"),
  ("import binary --out=new", "--network"),
  (
    "import cut.safetensors --network=resnet18 --out=new",
    "cut.safetensors",
    lambda here: (here / "cut.safetensors").write_bytes(
      b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"
    ),
  ),
  (
    "show pickle.pth",
    "pickle.pth",
    lambda here: (here / "pickle.pth").write_bytes(
      b"cos\nsystem\n(S'echo accepted'\ntR."
    ),
  ),
)

TABLES = rows(
  "tables",
  ("", "COMMAND"),
  ("lst", "did you mean 'list'"),
  ("show", "TABLE"),
  ("show jtr_999", "jtr_999"),
  ("show nothing", "nothing"),
  ("page nowhere.md", "nowhere.md"),
  ("page folder", "a folder"),
  ("run jtr_16", "--out"),
  ("run nothing --out=new", "nothing"),
  ("run jtr_16 --out=text", "no folder"),
  ("run jtr_16 --out=new --rows=nothing", "nothing"),
  ("run jtr_16 --out=new --seeds=a", "'a'"),
  ("run jtr_16 --out=new --seeds=-1", "--seeds"),
  ("run jtr_16 --out=new --seeds=1,1", "each once"),
  ("run jtr_16 --out=new --seeds=4294967296", "at most 4294967295"),
  ("run jtr_16 --out=new --seeds=", "--seeds"),
  ("run jtr_16 --out=new --budget=hours=3", "hours=3"),
  ("run jtr_16 --out=new --budget=epochs=0", "epochs=0"),
  ("run jtr_16 --out=new --minutes=0", "'0'"),
  ("run jtr_16 --out=new --minutes=soon", "'soon'"),
  ("run jtr_16 --out=new --minutes=nan", "'nan'"),
  ("run jtr_16 --out=new --data=nowhere", "nowhere"),
  ("run jtr_16 --out=new --data=rooms --nonsense=3", "--nonsense"),
  ("report jtr_16", "--runs"),
  ("report jtr_16 --runs=nowhere", "nowhere"),
  ("report jtr_16 --runs=text", "text"),
  ("collect --runs=nowhere --out=new", "nowhere"),
  ("collect --runs=folder --out=folder", "a folder"),
)

VERIFY = [
  Row(r.command, r.words, r.says, r.make, table=False)
  for r in rows(
    "verify",
    ("", "recorded files"),
    ("nowhere.npz", "nowhere.npz"),
    ("folder", "a folder"),
    ("binary", "Cannot read binary"),
    ("text", "Cannot read text"),
    ("empty", "Cannot read empty"),
    ("--checkpoint=x", "--data"),
    ("--checkpoint=nowhere --data=rooms", "nowhere"),
    ("--checkpoint=binary --data=rooms", "binary"),
    ("--checkpoint=binary --data=nowhere", "binary"),
    (
      "array.npz",
      "Cannot read array.npz",
      lambda here: (
        np.save(here / "array.npy", np.zeros(3)),
        (here / "array.npy").rename(here / "array.npz"),
      ),
    ),
    (
      "kind.npz",
      "kind",
      lambda here: np.savez(here / "kind.npz", meta=np.array("{}")),
    ),
  )
]

OTHERS = [*COMPARE, *BENCHMARK, *WEIGHTS, *TABLES, *VERIFY]
