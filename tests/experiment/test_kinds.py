import dataclasses
import json
import math

import pytest

from jtr_jax import main
from jtr_jax.config import presets, resolve, saved
from jtr_jax.experiment import grid_search, kinds, run
from jtr_jax.metrics.baseline import read_baseline
from jtr_jax.workdir import result_card
from tests import short_training, small_config

TASKS = ("segmentation", "depth")
FEW = {"train__epochs": 2, "train__steps": 3, "evaluate__pictures": 0}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_learnt():
  with short_training.nothing_is_learnt():
    yield


SUMMARISED = ("segmentation/miou", "depth/delta1", "depth/rmse")


def single_tasks(rooms, **changes):
  kind = {"experiment__kind": "stl", "evaluate__metrics": SUMMARISED}
  return small_config.settings(rooms, **{**FEW, **kind, **changes})


def train(config, folder, **options):
  main.train(resolve.resolve(config), folder, **options)


def content(folder):
  """Return what every file holds that is a function of the config."""
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in sorted(folder.rglob("*"))
    if path.suffix in (".jsonl", ".csv", ".md", ".tsv", ".json")
    and path.name not in ("timing.jsonl", "config.json")
    and "checkpoints" not in path.parts
  }


@pytest.fixture(scope="module")
def finished(rooms, nothing_is_learnt, tmp_path_factory):
  folder = tmp_path_factory.mktemp("stl")
  main.train(single_tasks(rooms), folder, name="single")
  return folder


def test_every_task_has_a_network_of_its_own(finished, rooms):
  for task in TASKS:
    config = saved.read_plain(finished / task)
    assert config["tasks"] == (task,)
    assert config["data"]["scenario_tasks"] == TASKS
    assert config["data"]["images"] == "labelled"
    assert config["method"] == {"name": "stl", "label_weighting": "image"}
    assert config["experiment"]["kind"] == "run"
    card = result_card.read(finished / task)
    assert {m.partition("/")[0] for m in card.outcomes[0].metrics} == {task}


def test_labels_are_those_of_the_split_of_all_tasks(finished):
  shown = []
  for task in TASKS:
    lines = (finished / task / "labels.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if "\t" in line][1:]
    shown.append({sample for sample, label in rows if label == task})
    images = result_card.read(finished / task).images
    assert images == len(shown[-1])
  assert len(shown[0]) + len(shown[1]) == small_config.TRAIN
  assert not shown[0] & shown[1]  # one of two labels, as randomlabels has it


@pytest.mark.parametrize(
  ("file", "rule"), [("baseline.json", "last"), ("baseline_best.json", "best")]
)
def test_baseline_holds_the_metrics_of_all_networks(finished, file, rule):
  baseline = read_baseline(finished / file)
  for task in TASKS:
    outcome = result_card.read(finished / task).outcome(rule)
    for name, value in outcome.metrics.items():
      assert baseline.metrics[name] == value
  assert "stl on rooms, randomlabels, seed 0" in baseline.name
  assert rule in baseline.name


def test_delta_is_measured_against_the_baseline(finished, rooms, tmp_path):
  path = str(finished / "baseline.json")
  config = small_config.config(rooms, **FEW, seed=1, evaluate__baseline=path)
  train(presets.use_method(config, "supervised"), tmp_path / "run")
  card = result_card.read(tmp_path / "run")
  last = card.outcome("last")
  theirs = read_baseline(path).metrics
  gains = [
    100 * sign * (last.metrics[name] - theirs[name]) / theirs[name]
    for name, sign in (("segmentation/miou", 1), ("depth/abs_err", -1))
  ]
  assert last.delta_percent == pytest.approx(sum(gains) / 2)
  assert abs(last.delta_percent) > 1


def test_cards_have_acc_mtl_of_the_chosen_metrics(finished):
  each = [result_card.read(finished / task) for task in TASKS]
  assert [card.summarised for card in each] == [SUMMARISED[:1], SUMMARISED[1:]]
  segmentation, depth = (card.outcome("last") for card in each)
  rmse = depth.metrics["depth/rmse"]
  expected = math.sqrt(depth.metrics["depth/delta1"] / (rmse + 1e-10))
  assert depth.acc_mtl == pytest.approx(expected)
  together = result_card.read(finished)
  assert together.summarised == SUMMARISED
  miou = segmentation.metrics["segmentation/miou"]
  assert together.outcome("last").acc_mtl == pytest.approx(
    math.sqrt(miou * expected)
  )
  assert f"of {', '.join(SUMMARISED)}" in (finished / "RESULT.md").read_text()


def test_card_takes_the_networks_together(finished, capsys):
  card = json.loads((finished / "result.json").read_text())
  assert [outcome["rule"] for outcome in card["outcomes"]] == ["last", "best"]
  assert card["outcomes"][0]["step"] == 3
  assert set(card["label_counts"]) == set(TASKS)
  page = (finished / "RESULT.md").read_text()
  assert "depth/abs_err" in page
  assert "segmentation/miou" in page


def test_experiment_goes_on_after_the_network_it_stopped_in(
  rooms, finished, tmp_path, monkeypatch
):
  trained, train = [], run.train

  def stop_before_depth(config, folder, **options):
    trained.append(folder.name)
    is_second = len(trained) == 2
    return False if is_second else train(config, folder, **options)

  monkeypatch.setattr(run, "train", stop_before_depth)
  main.train(single_tasks(rooms), tmp_path, name="single")
  assert not (tmp_path / "baseline.json").exists()
  main.train(single_tasks(rooms), tmp_path, name="single")
  assert trained == ["segmentation", "depth", "depth"]
  assert content(tmp_path) == content(finished)


def test_finished_experiment_is_left_alone(
  rooms, finished, monkeypatch, capsys
):
  before = content(finished)
  monkeypatch.setattr(run, "train", lambda *_, **__: pytest.fail("trains"))
  main.train(single_tasks(rooms), finished, name="single")
  assert content(finished) == before
  assert capsys.readouterr().out == (finished / "RESULT.md").read_text()


def test_longer_experiment_trains_every_network_on(rooms, finished, tmp_path):
  settings = single_tasks(rooms, train__steps=4)
  for task, own in small_config.settings_of_runs(settings).items():
    assert not run.is_finished(own, finished / task)


def test_other_config_is_refused(rooms, finished):
  other = single_tasks(rooms, optimizer__learning_rate=0.5)
  with pytest.raises(ValueError, match="another config"):
    main.train(other, finished)


def test_every_network_is_evaluated(finished, capsys):
  kinds.evaluate(finished, which="latest")
  for task in TASKS:
    result = json.loads((finished / task / "evaluation.json").read_text())
    assert result["step"] == 3


def test_every_task_is_the_primary_one_of_a_network(rooms, tmp_path):
  config = small_config.config(rooms, **FEW)
  presets.use_balancing(config, "ial")
  config.experiment.kind = "primaries"
  train(config, tmp_path, name="ial")
  card = result_card.read(tmp_path).outcomes[0]
  for task in TASKS:
    own = saved.read(tmp_path / task)
    assert own.balancing.primary == task
    assert own.tasks == TASKS
    alone = result_card.read(tmp_path / task).outcomes[0].metrics
    mine = {n: v for n, v in alone.items() if n.startswith(task)}
    assert mine.items() <= card.metrics.items()


def test_delta_of_primary_tasks_is_the_mean_of_their_own_gains(
  rooms, finished, tmp_path
):
  config = small_config.config(
    rooms, **FEW, evaluate__baseline=finished / "baseline.json"
  )
  presets.use_balancing(config, "ial")
  config.experiment.kind = "primaries"
  train(config, tmp_path, name="ial")
  gains = [
    result_card.read(tmp_path / task).outcomes[0].gains[task] for task in TASKS
  ]
  card = result_card.read(tmp_path).outcomes[0]
  assert card.delta_percent == pytest.approx(sum(gains) / 2)
  assert card.gains == dict(zip(TASKS, gains, strict=True))
  assert "Delta_MTL" in (tmp_path / "RESULT.md").read_text()
  assert abs(card.delta_percent) > 0.1


def test_grid_search_trains_every_combination(rooms, tmp_path):
  config = small_config.config(rooms, **FEW, balancing__primary="depth")
  presets.use_balancing(config, "fixed")
  config.experiment.update(kind="grid", grid=(0.1, 0.3, 0.4))
  train(config, tmp_path, name="grid")
  for weight in (0.1, 0.3, 0.4):
    own = saved.read(tmp_path / f"{weight}_1")
    assert own.balancing.loss.fields["weights"] == (weight, 1.0)
  outcome = result_card.read(tmp_path).outcomes[0]
  assert outcome.selection == "last weights by depth/abs_err on val"
  assert outcome.is_optimistic


def test_the_best_of_a_grid_has_the_best_metric(finished):
  card = result_card.read(finished / "depth")

  def with_error(value):
    last, *others = card.outcomes
    metrics = {**last.metrics, "depth/abs_err": value}
    last = dataclasses.replace(last, metrics=metrics)
    return dataclasses.replace(card, outcomes=(last, *others))

  cards = [with_error(value) for value in (0.5, 0.3, 0.4)]
  found = grid_search.best(cards, "depth/abs_err")
  assert found.outcomes[0].metrics["depth/abs_err"] == 0.3


def test_grid_search_needs_weights_that_never_change(rooms, tmp_path):
  config = small_config.config(rooms, **FEW)
  presets.use_balancing(config, "uw")
  config.experiment.kind = "grid"
  with pytest.raises(
    ValueError, match=r"no weights to search.*balancing=fixed"
  ):
    train(config, tmp_path / "new")
  assert not (tmp_path / "new").exists()
