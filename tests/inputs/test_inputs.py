"""Every bad input ends with one clear message, and leaves nothing behind."""

import contextlib
import re
import shutil

import pytest

from jtr_jax.core import hosts
from jtr_jax.experiment import run as run_lib
from tests.inputs import commands, world
from tests.inputs.config_rows import CONFIG
from tests.inputs.data_rows import DATA
from tests.inputs.main_rows import MAIN
from tests.inputs.other_rows import OTHERS
from tests.inputs.prepare_rows import PREPARED

ROWS = [*CONFIG, *MAIN, *DATA, *PREPARED, *OTHERS]


@pytest.fixture(scope="module")
def here(rooms, tmp_path_factory):
  """Return the folder that all rows run in."""
  folder = tmp_path_factory.mktemp("here")
  with contextlib.chdir(folder):
    world.fill(folder, rooms)
  return folder


@pytest.fixture
def nothing_trains(monkeypatch):
  """Let what is accepted fail at once, in place of training."""

  def trains(*_, **__):
    raise AssertionError("this was accepted")

  monkeypatch.setattr(run_lib.loop, "_Session", trains)
  monkeypatch.setattr(hosts, "initialize", lambda *_: None)  # once a process
  monkeypatch.setattr(run_lib.evaluation, "make_evaluate", lambda *_: trains)


@pytest.mark.usefixtures("nothing_trains")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_bad_input_ends_with_one_message(row, here, capfd, monkeypatch):
  monkeypatch.chdir(here)
  if row.make:
    row.make(here)
  shutil.rmtree(here / "new", ignore_errors=True)
  before = commands.listing(here)
  ended = commands.run(row.command, commands.split(row.words, here), capfd)
  assert ended.code, ended.printed
  assert "Traceback" not in ended.printed
  assert "accepted" not in ended.printed
  assert "does not foresee" not in ended.printed
  for text in row.says:
    assert text in ended.printed
  if not row.table:
    messages = re.findall(r"Found: .*Expected: .*\. .", ended.printed, re.S)
    assert len(messages) == 1, ended.printed
  assert commands.listing(here) == before


def test_there_are_enough_rows():
  assert len(ROWS) >= 200
  assert len({(row.command, row.words) for row in ROWS}) == len(ROWS)
