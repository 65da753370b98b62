"""Interrupts, which only a process of its own shows; help; the whole config."""

import json
import os
import signal
import time

import pytest

from tests import config_files, small_config
from tests.inputs import commands

CONFIG = f"--config={config_files.ROOT}/configs/rooms_demo.py"


@pytest.fixture
def interrupts_reach_processes():
  """Undo what a shell does for commands in its background: ignore Ctrl-C."""
  before = signal.signal(signal.SIGINT, signal.default_int_handler)
  yield
  signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts_reach_processes")
@pytest.mark.parametrize(
  "sign", ["| jtr_jax.core.extras", "rooms train"], ids=["loading", "preparing"]
)
def test_interrupt_before_the_first_step_is_one_line(
  sign, tmp_path, monkeypatch
):
  monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # tells what is loaded
  process = small_config.start(
    "jtr_jax.main",
    CONFIG,
    "--config.data.train_count=2000",
    "--config.data.directory=rooms",
    "--workdir=run",
    cwd=tmp_path,
    start_new_session=True,
  )
  shown = ""
  while sign not in " ".join(shown.split()):
    shown += os.read(process.stderr.fileno(), 10000).decode()
  time.sleep(0.5)  # in the midst of it
  os.killpg(process.pid, signal.SIGINT)  # as a terminal does
  out, err = process.communicate(timeout=60)
  assert process.returncode == 130, err
  assert "Traceback" not in err
  lines = [line for line in err.split("\n") if "Interrupted" in line]
  assert len(lines) == 1, err
  assert not out
  assert [path for path in tmp_path.iterdir() if path.name != "run"] == []


def test_help_begins_with_the_config(capfd):
  ended = commands.run("main", ["--helpfull"], capfd)
  assert ended.code == 0, ended.printed
  _, _, flags = ended.printed.partition("Flags:\n")
  assert flags.startswith("  --config: ")
  assert "--workdir: " in flags
  assert "train.epochs=300: " in flags


def test_config_is_printed_in_full(capfd):
  words = [f"{CONFIG}:seed=3", "--config.train.epochs=7", "--print_config"]
  ended = commands.run("main", words, capfd)
  assert ended.code == 0, ended.printed
  config = json.loads(ended.printed)
  assert config["train"]["epochs"] == 7
  assert config["seed"] == 3
  assert config["method"]["name"] == "jtr"
