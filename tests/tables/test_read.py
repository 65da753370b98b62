import pytest

from jtr_jax.tables import __main__, cells, markdown, read
from jtr_jax.tables.cells import Cell


@pytest.mark.parametrize(
  ("text", "expected"),
  [
    ("", (None, None, 0)),
    ("37.08", (37.08, None, 0.005)),
    ("+0.000", (0, None, 0.0005)),
    ("-13.55", (-13.55, None, 0.005)),
    ("4", (4, None, 0.5)),
    ("36.86 ± 0.574", (36.86, 0.574, 0.005)),
    ("8h 20m", (8 + 1 / 3, None, 1 / 120)),
  ],
)
def test_numbers_are_read_with_their_rounding(text, expected):
  cell = cells.parse(text)
  assert cell.text == text
  assert cell[1:] == pytest.approx(expected)


@pytest.mark.parametrize("text", ["-", "1,5", "12 %", "nan", "1.2 +- 3", " 1"])
def test_what_is_no_number_is_refused(text):
  with pytest.raises(ValueError, match="cannot be read"):
    cells.parse(text)


@pytest.mark.parametrize(
  ("written", "name"),
  [
    ("jtr_10", "jtr_10"),
    ("JTR 10", "jtr_10"),
    ("jtr-table-10", "jtr_10"),
    ("ial_iv", "ial_IV"),
    ("IAL 4", "ial_IV"),
    ("amtl c", "amtl_C"),
    ("AMTL 7", "amtl_7"),
  ],
)
def test_a_table_may_be_written_in_several_ways(written, name):
  assert read.table(written).name == name


@pytest.mark.parametrize(
  ("written", "near"),
  [
    ("jtr_20", "jtr_2"),
    ("ial_XII", "ial_XI"),
    ("amtl_Z", "amtl_"),
    ("jrt_10", "jtr_10"),
    ("10", ""),
    ("", ""),
  ],
)
def test_an_unknown_table_names_the_nearest(written, near):
  with pytest.raises(ValueError, match=r"Unknown table\. Found") as caught:
    read.table(written)
  assert near in str(caught.value)
  assert "\n" not in str(caught.value)


def test_rows_are_chosen_by_group_row_or_both():
  table = read.table("jtr_10")
  names = lambda *wanted: [e.name for e in read.entries(table, wanted)]
  assert names("jtr") == [
    "nyu_onelabel/jtr",
    "nyu_randomlabels/jtr",
    "cityscapes_onelabel/jtr",
  ]
  assert names("nyu_onelabel", "nyu_randomlabels/mtpsl") == [
    "nyu_onelabel/supervised",
    "nyu_onelabel/mtpsl",
    "nyu_onelabel/jtr",
    "nyu_randomlabels/mtpsl",
  ]
  assert len(names()) == 9


def test_an_unknown_row_names_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'mtpsl'"):
    read.entries(read.table("jtr_10"), ["mtspl"])


COLUMN = '[columns.a]\nheading = "A"\nunit = ""\nbetter = "higher"\n'
HEAD = 'paper = "JTR"\nnumber = "1"\ntitle = "T"\nsource = "S"\nsettings = []\n'
ROW = '[rows.r]\nlabel = "R"\nconfig = "jtr"\n'
GROUP = (
  '[groups.g]\nheading = "G"\nconfigs = "nyu"\ncolumns = ["a"]\n'
  "[groups.g.published]\n"
)
GOOD = HEAD + COLUMN + 'metric = "t/m"\n' + ROW + GROUP + 'r = ["1"]\n'


@pytest.mark.parametrize(
  ("old", "new", "complaint"),
  [
    ('metric = "t/m"', "", "not one of metric"),
    ('metric = "t/m"', 'metric = "t/m"\ncost = "time"', "not one of metric"),
    ('metric = "t/m"', 'derived = "magic"', "magic"),
    ('r = ["1"]', 's = ["1"]', "no row 's'"),
    ('r = ["1"]', 'r = ["1", "2"]', "has not 1 numbers"),
    ('r = ["1"]', 'r = ["one"]', "cannot be read"),
    ('title = "T"', "", "title"),
    ('title = "T"', 'title = "T"\nmood = "good"', "mood"),
    ('paper = "JTR"', 'paper = "ABC"', "ABC"),
    ('columns = ["a"]', 'columns = ["b"]', "b"),
    ('better = "higher"', 'better = "blue"', "blue"),
    ("settings = []", "settings = [", "Invalid"),
  ],
)
def test_a_broken_file_is_refused_with_its_name(
  tmp_path, monkeypatch, old, new, complaint
):
  monkeypatch.setattr(read, "FOLDER", tmp_path)
  read.table.cache_clear()
  path = tmp_path / "jtr_table_1.toml"
  path.write_text(GOOD)
  assert read.table("jtr_1").groups["g"].published["r"] == (
    Cell("1", 1.0, None, 0.5),
  )
  read.table.cache_clear()
  path.write_text(GOOD.replace(old, new))
  with pytest.raises(ValueError, match=complaint) as caught:
    read.table("jtr_1")
  assert "jtr_table_1.toml" in str(caught.value)
  read.table.cache_clear()


def test_the_command_prints_every_table(capsys):
  assert __main__.main(["list"]) == 0
  shown = capsys.readouterr().out
  for name in read.names():
    assert f"| {name} |" in shown
    assert __main__.main(["show", name]) == 0
    text = capsys.readouterr().out
    for entry in read.entries(read.table(name)):
      numbers = [cell.text for cell in entry.published.values()]
      assert all(number in text for number in numbers)
      assert markdown.label(entry.row) in text or not any(numbers)


def test_the_command_refuses_an_unknown_table_in_one_line(capsys):
  assert __main__.main(["show", "jtr_21"]) == 1
  said = capsys.readouterr().err
  assert said.count("\n") == 1
  assert "Unknown table" in said
  assert "jtr_2" in said
