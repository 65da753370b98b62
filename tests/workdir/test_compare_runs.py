import dataclasses

import pytest

from jtr_jax.experiment import kinds
from jtr_jax.workdir import (
  compare_runs,
  compare_table,
  config_file,
  result_card,
)
from jtr_jax.workdir.metric_files import MetricWriter
from jtr_jax.workdir.result_card import Outcome, ResultCard


def finished(folder, method, seed, depth, angle, kind="run", **fields):
  """Write the workdir of a finished run."""
  config = {
    "seed": seed,
    "method": {"name": method, **fields},
    "experiment": {"kind": kind, "teachers": [str(folder)]},
    "log": {"a": 1},
  }
  config_file.write_config(folder, config)
  metrics = {"depth/abs_err": depth, "depth/rmse": 9.0, "normals/mean": angle}
  card = ResultCard(
    name=method,
    outcomes=(Outcome("last", 10, "val", metrics),),
    directions={"depth/abs_err": -1, "depth/rmse": -1, "normals/mean": 1},
    baseline=None,
    seeds={"seed": seed},
    scenario="full",
    label_counts={},
    images=4,
    versions={},
    config=method,
  )
  result_card.write(folder, card)
  return folder


def read(folders, rule, **options):
  """Return runs, whose configs are as they were written."""
  written = lambda folder: config_file.read_config(folder).config
  reading = compare_runs.Reading(written, kinds.method_of)
  return compare_runs.read_runs(folders, rule, reading=reading, **options)


@pytest.fixture
def runs(tmp_path):
  folders = [
    finished(tmp_path / "a0", "supervised", 0, 1.0, 0.5),
    finished(tmp_path / "a1", "supervised", 1, 3.0, 0.5),
    finished(tmp_path / "b0", "jtr", 0, 1.0, 0.75, weight=4.0),
    finished(tmp_path / "c0", "jtr", 0, 4.0, 0.25, weight=0.0),
  ]
  return read(folders, "last")


def test_runs_that_differ_in_the_seed_alone_are_one_row(runs):
  groups = compare_runs.group(runs)
  assert {name: len(group) for name, group in groups.items()} == {
    "supervised": 2,
    "jtr weight=4.0": 1,
    "jtr weight=0.0": 1,
  }


def test_a_part_is_named_without_what_follows_from_its_name(tmp_path):
  parts = [
    {"name": "uw", "weight": 0.1},
    {"name": "amtl", "margin": 0.1},
    {"name": "amtl", "margin": 0.2},
  ]
  folders = [
    finished(tmp_path / str(i), "jtr", 0, 1.0, 1.0, loss=part)
    for i, part in enumerate(parts)
  ]
  assert set(compare_runs.group(read(folders, "last"))) == {
    "jtr loss=uw",
    "jtr loss=amtl loss.margin=0.1",
    "jtr loss=amtl loss.margin=0.2",
  }


def test_table(runs):
  groups = compare_runs.group(runs)
  assert compare_table.to_markdown(groups, "supervised").splitlines() == [
    "| | seeds | depth/abs_err ↓ | normals/mean ↑ | Delta_MTL, % ↑ |",
    "|---|---:|---:|---:|---:|",
    "| supervised | 2 | 2 ± 1.4 | 0.5 ± 0 | 0 ± 35 |",
    "| jtr weight=4.0 | 1 | **1** | **0.75** | **50** |",
    "| jtr weight=0.0 | 1 | 4 | 0.25 | -75 |",
  ]


def test_chosen_metrics_are_averaged_over_those_of_a_task(tmp_path):
  folders = [
    finished(tmp_path / "a", "supervised", 0, 1.0, 0.5),
    finished(tmp_path / "b", "jtr", 0, 4.0, 0.5),
  ]
  groups = compare_runs.group(read(folders, "last"))
  metrics = ("depth/abs_err", "depth/rmse", "normals/mean")
  rows = compare_table.to_markdown(groups, "supervised", metrics).splitlines()
  # Depth: -300 % and 0 %; 1 / 1 and 1 / 9, then 1 / 4 and 1 / 9; normals: 0.5.
  assert rows[0].endswith("| normals/mean ↑ | Delta_MTL, % ↑ | Acc_MTL ↑ |")
  assert rows[2].endswith("| **0** | **0.4082** |")
  assert rows[3].endswith("| -75 | 0.2887 |")
  with pytest.raises(ValueError, match="Did you mean 'depth/rmse'"):
    compare_table.to_markdown(groups, "", ("depth/rmsee",))


def test_runs_that_chose_metrics_are_compared_by_them(tmp_path):
  folder = finished(tmp_path / "a", "supervised", 0, 1.0, 0.5)
  card = dataclasses.replace(
    result_card.read(folder), summarised=("depth/rmse", "normals/mean")
  )
  result_card.write(folder, card)
  groups = compare_runs.group(read([folder], "last"))
  assert compare_table.to_markdown(groups).splitlines()[0] == (
    "| | seeds | depth/rmse ↓ | normals/mean ↑ | Acc_MTL ↑ |"
  )


def with_rows(folder, **metrics):
  folder.mkdir(exist_ok=True)
  with MetricWriter(folder, resume_step=None) as writer:
    for epoch in (5, 10):
      found = {name: epoch * value for name, value in metrics.items()}
      writer.write(3 * epoch, epoch, "val", found)


def test_runs_of_any_length_are_compared_after_an_epoch(tmp_path):
  whole = finished(tmp_path / "whole", "jtr", 0, 7.0, 7.0, steps=10)
  several = finished(tmp_path / "several", "stl", 0, 7.0, 7.0)
  with_rows(whole, **{"depth/abs_err": 1.0, "normals/mean": 2.0})
  with_rows(several / "depth", **{"depth/abs_err": 3.0})
  with_rows(several / "normals", **{"normals/mean": 4.0})
  runs = read([whole, several], "last", epoch=5)
  assert [run.metrics for run in runs] == [
    {"depth/abs_err": 5.0, "normals/mean": 10.0},
    {"depth/abs_err": 15.0, "normals/mean": 20.0},
  ]
  with pytest.raises(ValueError, match=r"epochs \[5, 10\].*Expected: epoch 7"):
    read([whole], "last", epoch=7)


def test_a_student_is_no_supervised_run(tmp_path):
  folders = [
    finished(tmp_path / "a", "supervised", 0, 1.0, 1.0),
    finished(tmp_path / "b", "supervised", 0, 2.0, 1.0, kind="must"),
    finished(tmp_path / "c", "supervised", 1, 3.0, 1.0, kind="must"),
  ]
  groups = compare_runs.group(read(folders, "last"))
  assert {n: len(g) for n, g in groups.items()} == {"supervised": 1, "must": 2}


def test_other_budgets_are_another_row(tmp_path):
  short = finished(tmp_path / "short", "jtr", 0, 1.0, 1.0, steps=10)
  long = finished(tmp_path / "long", "jtr", 1, 1.0, 1.0, steps=20)
  found = compare_runs.group(read([short, long], "last"))
  assert set(found) == {"jtr steps=10", "jtr steps=20"}


def test_unfinished_run_is_named(tmp_path):
  with pytest.raises(ValueError, match=str(tmp_path)):
    read([tmp_path], "last")


def test_unknown_row_names_the_nearest(runs):
  with pytest.raises(ValueError, match="supervised"):
    compare_table.to_markdown(compare_runs.group(runs), "supervisd")


def test_a_baseline_of_zero_is_refused(tmp_path):
  runs = [finished(tmp_path / "zero", "stl", 0, 1.0, 0.0)]
  groups = compare_runs.group(read(runs, "last"))
  with pytest.raises(ValueError, match="normals/mean = 0"):
    compare_table.to_markdown(groups, "stl")
