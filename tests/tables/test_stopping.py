"""What ends a table, or one of its runs, before its time."""

import signal
import time

import pytest

from jtr_jax.tables import run
from jtr_jax.train import preemption
from tests.tables.small_runs import command, run_table

pytestmark = pytest.mark.usefixtures("nothing_is_learnt")


def test_a_row_that_fails_does_not_keep_others_from_running(
  nyu, tmp_path, capsys
):
  (tmp_path / "nyu_onelabel" / "mtpsl" / "seed0").mkdir(parents=True)
  (tmp_path / "nyu_onelabel" / "mtpsl" / "seed0" / "mine.csv").touch()
  assert run_table("jtr_10", tmp_path, nyu, "--rows=nyu_onelabel") == 1
  lines = capsys.readouterr().out.splitlines()
  assert lines[0].startswith("nyu_onelabel/supervised seed 0: trained: ")
  assert lines[1].startswith("nyu_onelabel/mtpsl seed 0: failed: ")
  assert "mine.csv" in lines[1]
  assert lines[2].startswith("nyu_onelabel/jtr seed 0: trained: ")


def test_a_row_that_cannot_run_says_what_is_missing(nyu, tmp_path, capsys):
  assert run_table("amtl_7", tmp_path, nyu, "--rows=voc_nyu/amtl") == 1
  (line,) = capsys.readouterr().out.splitlines()
  assert line.startswith("voc_nyu/amtl: cannot run: object detection")


def test_a_signal_ends_the_command_and_the_same_one_resumes(
  nyu, tmp_path, capsys, monkeypatch
):
  stopped = []

  def stop(config, folder, options):
    stopped.append(folder)
    return False

  with monkeypatch.context() as patch:
    patch.setattr(run.kinds, "train", stop)
    assert run_table("jtr_10", tmp_path, nyu, "--rows=nyu_onelabel") == 1
  assert [folder.parent.name for folder in stopped] == ["supervised"]
  assert "supervised seed 0: stopped" in capsys.readouterr().out
  assert (
    run_table("jtr_10", tmp_path, nyu, "--rows=nyu_onelabel/supervised") == 0
  )
  assert "supervised seed 0: trained" in capsys.readouterr().out


def test_no_run_begins_when_the_time_is_over(
  nyu, tmp_path, capsys, monkeypatch
):
  begun = []

  def train(settings, folder, options):
    begun.append(folder)
    time.sleep(0.3)
    return True

  monkeypatch.setattr(run.kinds, "train", train)
  words = ("--rows=nyu_onelabel", "--minutes=0.001")
  assert run_table("jtr_10", tmp_path, nyu, *words) == 1
  assert len(begun) == 1
  lines = capsys.readouterr().out.splitlines()
  assert lines[-1] == "nyu_onelabel/mtpsl seed 0: stopped: no time is left"


def test_a_run_under_way_is_told_to_stop_when_the_time_is_over(
  nyu, tmp_path, capsys, monkeypatch
):
  def train(settings, folder, options):
    with preemption.Preemption() as told:
      end = time.monotonic() + 20
      while not told.should_stop() and time.monotonic() < end:
        time.sleep(0.01)
    return told.received != "SIGTERM"

  monkeypatch.setattr(run.kinds, "train", train)
  before = signal.getsignal(signal.SIGTERM)
  words = ("--rows=nyu_onelabel", "--minutes=0.005")
  assert run_table("jtr_10", tmp_path, nyu, *words) == 1
  assert "supervised seed 0: stopped" in capsys.readouterr().out
  assert signal.getsignal(signal.SIGTERM) == before
  assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "ten"])
def test_minutes_are_positive(tmp_path, capsys, minutes):
  with pytest.raises(SystemExit):
    command("run", "jtr_10", f"--out={tmp_path}", f"--minutes={minutes}")
  assert "--minutes" in capsys.readouterr().err


@pytest.mark.parametrize(
  ("words", "complaint"),
  [
    (("run", "jtr_99"), "Did you mean 'jtr_9'"),
    (("run", "jtr_10", "--rows=nyu_onelabel/jrt"), "nyu_onelabel/jtr"),
    (("run", "jtr_10", "--budget=fast"), "epochs=N or steps=N"),
    (("run", "jtr_10", "--budget=steps=0"), "epochs=N or steps=N"),
    (("run", "jtr_10", "--seeds=a"), "0,1,2"),
    (("run", "jtr_10", "--seeds="), "0,1,2"),
    (("run", "jtr_10", "--batch=3"), "--config.FIELD=VALUE"),
    (("run", "jtr_10", "--config.train.stepz=3"), "steps"),
    (("report", "jtr_10", "--runs=nowhere"), "There are no runs in nowhere"),
  ],
)
def test_bad_input_is_one_line_and_runs_nothing(
  tmp_path, capsys, words, complaint
):
  out = [f"--out={tmp_path / 'out'}"] if words[0] == "run" else []
  assert command(*words, *out) == 1
  shown = capsys.readouterr()
  assert complaint in shown.err + shown.out
  assert shown.err.count("\n") <= 1
  assert not (tmp_path / "out").exists()
