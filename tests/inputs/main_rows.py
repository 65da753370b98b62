"""Flags and workdirs of `jtr_jax.main` that cannot be used."""

import json
import os
import shutil

from tests.inputs import world
from tests.inputs.config_rows import CONFIGS
from tests.inputs.config_rows import ROOMS as TRAIN
from tests.inputs.rows import rows

ROOMS = TRAIN.replace(" --workdir=new", "")


def run_with(name, change):
  """Return what makes a workdir of this name, changed."""
  return lambda here: world.copy_run(here, name, change)


def config(name, change):
  """Return what makes a workdir whose config.json is changed."""

  def edit(folder):
    world.edit_json(folder / "config.json", change)

  return run_with(name, edit)


def without(*names):
  return lambda content: {n: v for n, v in content.items() if n not in names}


def without_section(content):
  content["config"].pop("train")
  return content


def unknown_field(content):
  content["config"]["train"]["speed"] = 3
  return content


def newer(content):
  return {**content, "config_version": 99}


def other_version(content):
  return {**content, "config_version": "two"}


def rename_step(folder):
  (folder / "checkpoints" / "24").rename(folder / "checkpoints" / "70")


def forget_checkpoints(folder):
  shutil.rmtree(folder / "checkpoints")


def damage(folder):
  (largest,) = sorted(
    folder.glob("checkpoints/24/**/d/*"), key=lambda p: p.stat().st_size
  )[-1:]
  content = bytearray(largest.read_bytes())
  content[len(content) // 2] ^= 0xFF
  largest.write_bytes(content)


def other_data(here):
  """Replace the data of a run by data of another size."""
  from jtr_jax.data.datasets import prepare

  folder = world.copy_run(here, "run_other_data")
  config_of = json.loads((folder / "config.json").read_text())
  config_of["config"]["data"].update(directory="rooms_16", size=[0, 0])
  (folder / "config.json").write_text(json.dumps(config_of))
  if not (here / "rooms_16").exists():
    prepare.prepare_rooms(
      here / "rooms_16", size=(16, 16), train=8, val=4, workers=1
    )


def locked(here):
  import fcntl

  folder = world.copy_run(here, "run_locked")
  path = folder / "run.lock"
  if not path.exists():
    path.write_text(json.dumps({"host": "here", "pid": 4711}))
    file = os.open(path, os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)  # until the tests end


FLAGS = rows(
  "main",
  (f"{ROOMS}", "There is no workdir", "--workdir"),
  ("--workdir=new", "There is no config", "--config=FILE.py"),
  (f"{ROOMS} --workdir=new --mode=test", "train", "evaluate"),
  (f"{ROOMS} --workdir=new --latest", "--mode=evaluate"),
  (f"{ROOMS} --workdir=new --latest=perhaps", "perhaps"),
  (f"{ROOMS} --workdir=new --wrokdir=old", "Did you mean --workdir"),
  (f"{ROOMS} --workdir=new --lr=3", "--lr"),
  (f"{ROOMS} --workdir=new extra words", "extra words"),
  (f"{ROOMS} --workdir=", "--workdir", "nothing"),
  (f"{ROOMS} '--workdir=~/x'", "no shell has expanded"),
  (f"{ROOMS} --workdir=s3://bucket/run", "the URL"),
  (f"{ROOMS} --workdir=text", "no folder"),
  (f"{ROOMS} --workdir=text/run", "no folder"),
  (f"{ROOMS} --workdir=broken_link", "a link to nothing"),
  (f"{ROOMS} --workdir=mine", "is not one of jtr_jax"),
  (f"{ROOMS} --workdir={'x' * 300}", "at most 255 bytes"),
  (f"{ROOMS} '--workdir=a\nb'", "control characters"),
  (f"{ROOMS} --workdir=/proc/new", "/proc/new"),
  ("--config.train.steps=3 --workdir=new", "There is no config"),
  (f"{ROOMS} --workdir=new --config_field=train.steps", "no value"),
  ("--print_config", "There is no config"),
  (f"{ROOMS} --config.train.steps=x --print_config", "'x'"),
)

WORKDIRS = rows(
  "main",
  (
    f"{ROOMS} --workdir=run --config.optimizer.learning_rate=0.5",
    "optimizer.learning_rate: 0.002 in the workdir, 0.5 now",
    "--allow_config_change",
  ),
  (
    f"{ROOMS} --workdir=run --config.train.epochs=3",
    "train.epochs: 12 in the workdir, 3 now",
  ),
  (
    f"{ROOMS} --workdir=run_1",
    "no section 'config'",
    config("run_1", without("config")),
  ),
  (
    f"{ROOMS} --workdir=run_2",
    "no section 'versions'",
    config("run_2", without("versions")),
  ),
  (f"{ROOMS} --workdir=run_3", "no train", config("run_3", without_section)),
  (f"{ROOMS} --workdir=run_4", "speed", config("run_4", unknown_field)),
  (f"{ROOMS} --workdir=run_5", "version 99", config("run_5", newer)),
  (
    f"{ROOMS} --workdir=run_6",
    "config_version",
    config("run_6", other_version),
  ),
  (
    f"{ROOMS} --workdir=run_7",
    "another program",
    config("run_7", lambda c: []),
  ),
  (
    f"{ROOMS} --workdir=run_8",
    "damaged",
    run_with("run_8", lambda f: (f / "config.json").write_text("{")),
  ),
  (
    f"{ROOMS} --workdir=run_9",
    "checkpoints",
    run_with("run_9", forget_checkpoints),
  ),
  (f"{ROOMS} --workdir=run_10", "70", run_with("run_10", rename_step)),
  (f"{ROOMS} --workdir=run_11", "cannot be read", run_with("run_11", damage)),
  (
    f"{ROOMS} --workdir=run_12",
    "config.json",
    run_with("run_12", lambda f: (f / "config.json").unlink()),
  ),
  (
    f"{ROOMS} --workdir=run_13",
    "line 1",
    run_with("run_13", lambda f: (f / "metrics.jsonl").write_text("[]\n{}\n")),
  ),
  (f"{ROOMS} --workdir=run_locked", "process 4711 on here", "run.lock", locked),
  ("--mode=evaluate --workdir=nowhere", "no config.json in nowhere"),
  ("--mode=evaluate --workdir=folder", "no config.json"),
  ("--mode=evaluate --workdir=text", "no folder"),
  ("--mode=evaluate --workdir=run_3", "no train"),
  ("--mode=evaluate --workdir=run_9", "no checkpoint 'best'"),
  ("--mode=evaluate --latest --workdir=run_11", "cannot be read"),
  ("--mode=evaluate --latest --workdir=run_10", "70"),
  (
    "--mode=evaluate --workdir=run --allow_config_change",
    "--allow_config_change",
  ),
  (
    "--mode=evaluate --workdir=run --config.evaluate.batch_size=2",
    "There is no config",
  ),
  (
    f"{ROOMS} --mode=evaluate --workdir=run --config.evaluate.batch_size=2",
    "evaluate.batch_size: 3 in the workdir, 2 now",
  ),
  (
    f"{ROOMS} --mode=evaluate --workdir=run --config.log.every_steps=2",
    "log.every_steps",
  ),
  (
    "--mode=evaluate --workdir=run_other_data",
    "data has changed",
    "16",
    other_data,
  ),
)


def records_of_mine(here):
  from jtr_jax.data.datasets import prepare

  if not (here / "records").exists():
    shutil.copytree(here / "mine", here / "changed")
    for raw, out in (("mine", "records"), ("changed", "changed_records")):
      options = {"raw": raw, "size": (16, 16)}
      prepare.PREPARERS["folder"].prepare(here / out, **options)
    (here / "changed" / "train" / "depth" / "a.png").unlink()


FOLDER = f"--config={CONFIGS}/folder_jtr.py:laptop,size=16x16"
RECORDS = rows(
  "main",
  (
    f"{FOLDER},raw=TYPO,directory=records --workdir=new",
    "There is no folder TYPO",
    "records of 'mine'",
    records_of_mine,
  ),
  (
    f"{FOLDER},raw=changed,directory=changed_records --workdir=new",
    "The files in changed are not those of the records",
    records_of_mine,
  ),
)

MAIN = [*FLAGS, *WORKDIRS, *RECORDS]
