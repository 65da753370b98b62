"""What older programs wrote is understood; `golden/` has such files."""

import json
import shutil
from pathlib import Path

import pytest

from jtr_jax.config import resolve, saved, upgrade
from jtr_jax.workdir import config_file
from tests import config_files

GOLDEN = Path(__file__).parent / "golden"
FLAGS = {
  "data__size": (32, 32),
  "data__train_count": 8,
  "data__val_count": 4,
  "data__directory": "data/rooms_small",
  "model__filters": (4, 4),
  "train__batch_size": 4,
  "train__epochs": 6,
  "optimizer__learning_rate": 2e-3,
  "evaluate__every_epochs": 5,
  "evaluate__batch_size": 3,
  "evaluate__pictures": 2,
  "log__every_steps": 3,
  "checkpoint__every_epochs": 3,
}
TASKS = "tasks=segmentation+depth"
COMMANDS = {
  "jtr": ("rooms_demo", TASKS, {}),
  "ial": (
    "rooms_supervised",
    f"{TASKS},scenario=full,balancing=ial",
    {"balancing__loss__initial_weight": 0.1},  # the preset's at that time
  ),
  "mtpsl": (
    "rooms_mtpsl",
    f"{TASKS},scenario=full",
    {"method__mapping_filters": (4, 4)},
  ),
  "amtl": ("rooms_supervised", f"{TASKS},balancing=amtl", {}),
  "mtpsl_version_2": (
    "rooms_mtpsl",
    f"{TASKS},scenario=full",
    {"method__mapping_filters": (4, 4)},
  ),
}


def settings_of(name):
  """Return what the old command asks for today."""
  file, arg, fields = COMMANDS[name]
  return config_files.settings(file, arg, **FLAGS, **fields)


@pytest.fixture
def workdir(tmp_path):
  def make(name):
    shutil.copy(GOLDEN / f"{name}.json", tmp_path / "config.json")
    return tmp_path

  return make


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_resumes_an_old_run(name, workdir):
  folder, settings = workdir(name), settings_of(name)
  saved.check(folder, settings, allow_config_change=False)
  assert saved.holds(folder, settings)
  assert saved.read(folder) == settings


def test_another_command_is_refused_with_todays_names(workdir):
  with pytest.raises(ValueError, match="1 different field") as caught:
    saved.check(
      workdir("mtpsl"),
      config_files.settings(
        *COMMANDS["mtpsl"][:2],
        **FLAGS,
        **COMMANDS["mtpsl"][2],
        experiment__kind="stl",
      ),
      allow_config_change=False,
    )
  assert 'experiment.kind: "run" in the workdir, "stl" now' in str(caught.value)


def test_every_field_of_an_old_config_is_kept_under_its_new_name():
  stored = json.loads((GOLDEN / "ial.json").read_text())["config"]
  new = upgrade.upgraded(stored, 1)
  plain = json.loads(json.dumps(resolve.to_plain(resolve.resolve(new))))
  old, now = (dict(config_file.flatten(c)) for c in (stored, plain))
  of_parts = {
    "balancing.gradient.memory": "balancing.gradient.ema_decay",
    "balancing.gradient.shares": "balancing.gradient.auxiliary_weights",
    "method.share": "method.label_weighting",
  }
  names = {of_parts.get(n) or upgrade.renamed(n) or n: n for n in old}
  assert {name: now[name] for name in names} == {
    name: old[before] for name, before in names.items()
  }


def test_weights_of_labels_and_pairs_have_new_names():
  stored = json.loads((GOLDEN / "mtpsl_version_2.json").read_text())
  old = stored["config"]
  assert stored["config_version"] == 2
  old["method"] |= {"share": "sum", "pair_share": "unlabelled"}
  new = resolve.resolve(upgrade.upgraded(old, 2))
  assert new.method.fields["label_weighting"] == "sum"
  assert new.method.fields["pair_weighting"] == "unlabelled"
  assert new.balancing.task_loss == "term"


def test_methods_of_a_user_keep_the_names_of_their_fields():
  method = {"name": "my_lab:smooth", "share": 0.5}
  assert upgrade.upgraded({"method": method}, 2)["method"] == method


def test_an_old_config_of_an_experiment(workdir):
  folder = workdir("jtr")
  stored = json.loads((folder / "config.json").read_text())
  stored["config"]["stages"] |= {"plan": "must", "teachers": ["a", "b"]}
  (folder / "config.json").write_text(json.dumps(stored))
  experiment = saved.read(folder).experiment
  assert (experiment.kind, experiment.teachers) == ("must", ("a", "b"))


def test_what_is_written_is_read_again(tmp_path):
  settings = settings_of("ial")
  saved.write(tmp_path, settings)
  stored = json.loads((tmp_path / "config.json").read_text())
  assert stored["config_version"] == upgrade.VERSION
  assert saved.read(tmp_path) == settings
  assert saved.read_plain(tmp_path) == resolve.to_plain(settings)


def test_a_newer_file_is_refused(workdir):
  folder = workdir("jtr")
  stored = json.loads((folder / "config.json").read_text())
  stored["config_version"] = upgrade.VERSION + 1
  (folder / "config.json").write_text(json.dumps(stored))
  with pytest.raises(ValueError, match="A newer program wrote"):
    saved.read(folder)


def test_a_damaged_file_is_refused(workdir):
  folder = workdir("jtr")
  stored = json.loads((folder / "config.json").read_text())
  del stored["config"]["train"]
  (folder / "config.json").write_text(json.dumps(stored))
  with pytest.raises(ValueError, match="no train"):
    saved.read(folder)
