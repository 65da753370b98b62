"""Tables of costs are measured, in a process of their own."""

import json

import pytest

from jtr_jax.tables import read, recorded, results
from tests.tables.small_runs import SEGNET, SMALL, command


def test_a_cost_table_is_measured_once_and_extrapolated(
  tmp_path, capsys, monkeypatch
):
  monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
  words = ("jtr_18", f"--out={tmp_path}", "--rows=segnet/supervised")
  small = (*SMALL, *SEGNET, "--config.data.size=(32,32)")
  assert command("run", *words, *small, "--seeds=0,1") == 0
  shown = capsys.readouterr().out
  assert "segnet/supervised seed 0: measured" in shown
  assert "segnet/supervised seed 1: was there" in shown
  assert command("run", *words, *small) == 0
  assert "was there" in capsys.readouterr().out
  path = tmp_path / "segnet" / "supervised" / "measurement.json"
  content = json.loads(path.read_text())
  assert content["training_steps"] == 300 * 795 / 2
  content["step_seconds"] = [0.5, 0.25, 8.0]
  content.update(peak_is_of="device", peak_bytes=3 * 2**30)
  path.write_text(json.dumps(content))
  (entry,) = read.entries(read.table("jtr_18"), ["segnet/supervised"])
  ours = results.reached(entry, recorded.read(tmp_path), "last")
  assert ours["time"].mean == pytest.approx(0.5 * 119250 / 3600)
  assert ours["vram"].mean == 3
  assert command("report", "jtr_18", f"--runs={tmp_path}") == 0
  assert "| 16.56 | 3 |" in capsys.readouterr().out


def test_what_cannot_be_measured_says_why_and_is_tried_again(
  tmp_path, capsys, monkeypatch
):
  monkeypatch.setenv("JAX_PLATFORMS", "nonsense")
  words = ("jtr_18", f"--out={tmp_path}", "--rows=segnet/supervised")
  for _ in range(2):
    assert command("run", *words) == 1
    shown = capsys.readouterr().out
    assert "segnet/supervised seed 0: failed: benchmark ended with" in shown
    assert "nonsense" in shown
    assert shown.count("\n") == 1
