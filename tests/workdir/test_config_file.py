import copy
import json
import subprocess

import pytest

from jtr_jax.workdir import config_file, provenance, text_files

CONFIG = {
  "seed": 0,
  "tasks": ("segmentation", "depth"),
  "train": {"steps": 100, "batch": 4},
  "log": {"every": 10},
}


def open_workdir(folder, config, **options):
  known = config_file.check_workdir(folder, config, **options)
  config_file.write_config(folder, config)
  return known


def changed(**values):
  config = copy.deepcopy(CONFIG)
  for name, value in values.items():
    section, _, field = name.partition("__")
    if field:
      config[section][field] = value
    else:
      config[section] = value
  return config


def test_first_run_writes_config_and_versions(tmp_path):
  folder = tmp_path / "a" / "b"
  assert not open_workdir(folder, CONFIG)
  stored = json.loads((folder / "config.json").read_text())
  assert stored["program"] == "jtr_jax"
  assert {"jax", "jtr_jax", "python", "devices"} <= stored["versions"].keys()
  config = config_file.read_config(folder).config
  assert config == CONFIG | {"tasks": ["segmentation", "depth"]}


@pytest.mark.parametrize(
  "values",
  [{}, {"log__every": 1}, {"log__new": True}, {"train__steps": 200}],
)
def test_same_run_goes_on_and_stores_the_new_values(tmp_path, values):
  open_workdir(tmp_path, CONFIG)
  assert open_workdir(tmp_path, changed(**values))
  assert not config_file.differences(
    config_file.read_config(tmp_path).config,
    json.loads(json.dumps(changed(**values))),
  )


@pytest.mark.parametrize(
  ("values", "shown"),
  [
    ({"train__steps": 50}, "train.steps: 100 in the workdir, 50 now"),
    ({"seed": 1}, "seed: 0 in the workdir, 1 now"),
    ({"tasks": ("depth",)}, 'tasks: ["segmentation", "depth"] in the'),
    ({"train__mixed": True}, 'train.mixed: "(absent)" in the workdir, true'),
    ({"train": {"steps": 100}}, 'train.batch: 4 in the workdir, "(absent)"'),
    ({"train": {}}, 'train: "(absent)" in the workdir, {} now'),
  ],
)
def test_other_config_is_refused_and_shown(tmp_path, values, shown):
  open_workdir(tmp_path, CONFIG)
  before = (tmp_path / "config.json").read_bytes()
  with pytest.raises(ValueError, match="another config") as caught:
    open_workdir(tmp_path, changed(**values))
  assert shown in str(caught.value)
  assert (tmp_path / "config.json").read_bytes() == before


def test_every_difference_is_shown(tmp_path):
  open_workdir(tmp_path, CONFIG)
  with pytest.raises(ValueError, match=r"2 different field\(s\)\n"):
    open_workdir(tmp_path, changed(seed=1, train__batch=8))


def test_change_can_be_allowed(tmp_path, caplog):
  open_workdir(tmp_path, CONFIG)
  new = changed(seed=1)
  assert open_workdir(tmp_path, new, allow_config_change=True)
  assert "seed: 0 -> 1" in caplog.text
  assert config_file.read_config(tmp_path).config["seed"] == 1


def test_other_versions_are_warned_of(tmp_path, caplog):
  open_workdir(tmp_path, CONFIG)
  path = tmp_path / "config.json"
  stored = json.loads(path.read_text())
  stored["versions"]["jax"] = "0.0.1"
  path.write_text(json.dumps(stored))
  open_workdir(tmp_path, CONFIG)
  assert "started with jax 0.0.1" in caplog.text


@pytest.mark.parametrize(
  ("name", "text", "found"),
  [
    ("photo.png", "", r"no config.json beside photo.png"),
    ("config.json", '{"lr": 1}', "of another program"),
    ("config.json", '{"lr":', "damaged"),
    ("config.json", "[]", "of another program"),
  ],
)
def test_folder_of_another_program_is_left_alone(tmp_path, name, text, found):
  (tmp_path / name).write_text(text)
  with pytest.raises(ValueError, match=found):
    open_workdir(tmp_path, CONFIG)
  assert [p.name for p in tmp_path.iterdir()] == [name]
  assert (tmp_path / name).read_text() == text


def test_logs_and_an_interrupted_start_are_no_obstacle(tmp_path):
  (tmp_path / "out.log").write_text("starting")
  (tmp_path / "config.json.tmp").write_text("{")
  assert not open_workdir(tmp_path, CONFIG)


def test_workdir_that_is_a_file(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(ValueError, match="Found: a file"):
    open_workdir(tmp_path / "file", CONFIG)


def test_reading_where_no_run_is(tmp_path):
  with pytest.raises(ValueError, match="no run in this workdir"):
    config_file.read_config(tmp_path / "absent")


def test_git_revision(tmp_path):
  def git(*args):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(
      ["git", "-C", str(tmp_path), *who, *args], check=True, capture_output=True
    )

  assert provenance.git_revision(tmp_path) is None
  git("init")
  (tmp_path / "code.py").write_text("1")
  assert provenance.git_revision(tmp_path) is None
  git("add", ".")
  git("commit", "-m", "one")
  revision = provenance.git_revision(tmp_path)
  assert len(revision) == 40
  (tmp_path / "code.py").write_text("2")
  assert provenance.git_revision(tmp_path) == revision + "-dirty"


def test_replace_keeps_the_old_file_when_it_fails(tmp_path, monkeypatch):
  path = tmp_path / "file"
  text_files.replace(path, "old")

  def full(_):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr("os.fsync", full)
  with pytest.raises(
    OSError, match=r"file: No space left.*checkpoint"
  ) as error:
    text_files.replace(path, "new")
  assert error.value.errno == 28
  assert path.read_text() == "old"


def test_replace_never_writes_into_the_old_file(tmp_path):
  path, reader = tmp_path / "file", tmp_path / "reader"
  text_files.replace(path, "old")
  reader.hardlink_to(path)
  text_files.replace(path, "new")
  assert (path.read_text(), reader.read_text()) == ("new", "old")
  assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "reader"]
