"""Every row names a config that exists and can be used, or says what lacks."""

import pytest

from jtr_jax.tables import __main__, listing, read
from jtr_jax.tables.recipe import AS_PUBLISHED, Request, problem, recipe
from tests import config_files

ENTRIES = [
  entry for name in read.names() for entry in read.entries(read.table(name))
]
ANYWAY = Request(anyway=True)
NOT_YET = ("voc_nyu",)
PAGE = config_files.ROOT / "docs" / "results" / "published_tables.md"


@pytest.mark.parametrize("name", read.names())
def test_every_config_exists_and_resolves(name):
  for entry in read.entries(read.table(name)):
    if entry.group.configs in NOT_YET:
      continue
    assert not problem(entry, ANYWAY), entry.name
    settings = recipe(entry, AS_PUBLISHED, 5).settings()
    assert settings.seed == settings.data.split_seed == 5


def test_families_of_configs_that_are_there_are_checked():
  there = {path.name.split("_")[0] for path in config_files.FILES}
  assert not there & set(NOT_YET), "they are there now: correct NOT_YET"
  assert {entry.group.configs for entry in ENTRIES} <= {*NOT_YET, *there}


def entry_of(table, name):
  (entry,) = read.entries(read.table(table), [name])
  return entry


def test_a_row_is_the_command_that_show_prints(capsys):
  entry = entry_of("jtr_16", "l1")
  how = recipe(entry, AS_PUBLISHED, 0)
  assert how.file == "configs/nyu_jtr.py"
  assert how.arguments == "scenario=randomlabels,seed=0"
  assert "--config.method.distance=l1_norm" in how.flags
  assert __main__.main(["show", "jtr_16"]) == 0
  shown = capsys.readouterr().out
  place = "runs/jtr_16/randomlabels/l1/seed0"
  assert how.command(place) in shown.splitlines()


def test_a_row_that_lacks_something_says_what():
  entry = entry_of("ial_IV", "uw")
  assert "pseudo tasks" in problem(entry, AS_PUBLISHED)
  assert problem(entry, ANYWAY) == ""
  missing = read.entries(read.table("amtl_7"))[0]
  assert problem(missing, ANYWAY).startswith("configs/voc_nyu_")


def test_budget_data_and_flags_reach_the_config():
  request = Request("epochs=3", "my/records", ("--config.data.size=(8,8)",))
  settings = recipe(
    entry_of("jtr_8", "nyu_randomlabels/jtr"), request, 0
  ).settings()
  assert settings.train.epochs == 3
  assert settings.data.reader.name == "prepared"
  assert settings.data.directory == "my/records"
  assert settings.data.size == (8, 8)


def test_a_flag_for_all_rows_takes_the_place_of_a_rows_own():
  entry = entry_of("jtr_17", "channels_256")
  flag = "--config.method.autoencoder_filters=(4,4)"
  how = recipe(entry, Request(flags=(flag,)), 0)
  assert [f for f in how.flags if "autoencoder_filters" in f] == [flag]
  assert how.settings().method.fields["autoencoder_filters"] == (4, 4)


def test_single_tasks_share_the_label_split_of_the_other_rows():
  for row in ("stl", "jtr"):
    entry = entry_of("jtr_12", f"nyu_onelabel/{row}")
    settings = recipe(entry, AS_PUBLISHED, 2).settings()
    assert settings.data.scenario == "onelabel"
    assert settings.data.split_seed == 2


def test_the_list_names_data_that_is_not_prepared_here(
  tmp_path, monkeypatch, capsys, rooms
):
  monkeypatch.chdir(tmp_path)
  last_line = lambda: capsys.readouterr().out.splitlines()[-1]
  assert __main__.main(["list"]) == 0
  assert "data/nyuv2, data/nyuv2_40, data/nyuv2_extended" in last_line()
  (tmp_path / "data").mkdir()
  (tmp_path / "data" / "nyuv2").symlink_to(rooms)
  assert __main__.main(["list"]) == 0
  there = "data/cityscapes, data/nyuv2_40, data/nyuv2_extended, data/taskonomy"
  assert last_line() == f"Not prepared on this machine: {there}."


def test_the_page_of_the_documentation_is_up_to_date():
  text = PAGE.read_text(encoding="utf-8")
  command = (
    f"python -m jtr_jax.tables page {PAGE.relative_to(config_files.ROOT)}"
  )
  assert listing.page(text) == text, f"Run: {command}"


def test_a_page_without_a_mark_is_left_alone(tmp_path, capsys):
  path = tmp_path / "page.md"
  path.write_text("mine")
  assert __main__.main(["page", str(path)]) == 1
  assert "Add that line" in capsys.readouterr().err
  assert path.read_text() == "mine"
