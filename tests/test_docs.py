"""What the pages say of files, names and defaults is so."""

import importlib
import re
from pathlib import Path

import pytest

from jtr_jax.balancing import registry as balancers
from jtr_jax.config import registry
from tests import ROOT
from tests.test_layers import FLOORS

PAGES = [
  ROOT / "README.md",
  ROOT / "docs" / "architecture.md",
  ROOT / "CONTRIBUTING.md",
]


def named_files(text):
  """Yield the Python files of each line; a bare one lies beside the last."""
  for line in text.splitlines():
    folder = ""
    for name in re.findall(r"[\w/]+\.py\b", line):
      folder = name.rpartition("/")[0] or folder
      yield f"{folder}/{Path(name).name}" if folder else name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page):
  pages = re.sub(r"```python\n.*?```", "", page.read_text(), flags=re.DOTALL)
  names = set(
    named_files(pages)
  )  # a program of the reader's may be named in it
  assert len(names) > 2
  homes = (ROOT, ROOT / "jtr_jax")
  missing = {n for n in names if not any((home / n).exists() for home in homes)}
  assert not missing


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_tables_to_add_things_to_exist(page):
  text = page.read_text()
  tables = re.findall(r"\| `([\w/]+)\.([A-Z_]+)` \|", text)
  assert len(tables) > 4
  for module, name in tables:
    found = importlib.import_module("jtr_jax." + module.replace("/", "."))
    assert hasattr(found, name), f"{module}.{name}"


def test_floors_of_the_page_are_those_that_are_checked():
  text = (ROOT / "docs" / "architecture.md").read_text()
  table = text[
    text.index("| floor |") : text.index("## The way of the settings")
  ]
  rows = re.findall(r"^\| ((?:`\w+` ?)+)\|", table, re.MULTILINE)
  floors = [set(re.findall(r"`(\w+)`", row)) for row in rows]
  assert floors == [set(floor) for floor in FLOORS[1:]]


def shown(value):
  """Return a value as the page writes it."""
  if isinstance(value, bool):
    return "yes" if value else "no"
  if isinstance(value, tuple):
    return str(value)
  return f"`{value}`" if isinstance(value, str) else f"{value:g}"


@pytest.mark.parametrize(
  ("method", "first", "end"),
  [("jtr", "# JTR", "\n## "), ("mtpsl", "\n## Switches", "\nIn the section")],
)
def test_page_has_every_field_of_a_method_and_its_defaults(method, first, end):
  text = (ROOT / "docs" / f"{method}.md").read_text()
  text = text[text.index(first) :]
  table = text[: text.index(end, 1)]
  rows = re.findall(
    r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE
  )
  fields = registry.METHODS[method].fields
  assert sorted(row[0] for row in rows) == sorted(fields)
  for column, variant in enumerate(("paper", "official"), start=1):
    values = {name: field.default for name, field in fields.items()}
    values |= registry.METHODS[method].traits.variants[variant].method
    for row in rows:
      if row[column] not in ("not used", "the network's"):
        assert row[column] == shown(values[row[0]]), row[0]


def test_page_of_balancing_has_every_balancer_and_where_it_acts():
  text = (ROOT / "docs" / "balancing.md").read_text()
  rows = re.findall(
    r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|", text, re.MULTILINE
  )
  listed = {n: about for names, about in rows for n in names.split(", ")}
  known = {*balancers.LOSS, *balancers.GRADIENT}
  assert {f"`{name}`" for name in known} <= set(listed)
  words = {
    "shared_params": "parameters",
    "features": "features",
    "last_shared_layer": "last layer",
  }
  for name, make in balancers.GRADIENT.items():
    scopes = ", ".join(words[scope] for scope in make(3).scopes)
    assert listed[f"`{name}`"].strip() == scopes, name


def test_page_of_balancing_has_the_switches_of_ial_and_their_defaults():
  text = (ROOT / "docs" / "balancing.md").read_text()
  table = text[text.index("## IAL") : text.index("## AMTL")]
  rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
  fields = registry.GRADIENT_BALANCERS["ial"].fields
  expected = {
    name: "()" if field.default == () else shown(field.default)
    for name, field in fields.items()
  }
  assert {n: v.strip() for n, v in rows.items()} == expected


def test_page_of_balancing_has_the_fields_of_the_aggregators():
  text = (ROOT / "docs" / "balancing.md").read_text()
  items = re.findall(r"^\* `(\w+)`: ((?:.|\n  )+)", text, re.MULTILINE)
  written = {
    name: dict(re.findall(r"`(\w+)=([^`]+)`", fields)) for name, fields in items
  }
  expected = {
    name: {n: shown(f.default).strip("`") for n, f in builder.fields.items()}
    for name, builder in registry.GRADIENT_BALANCERS.items()
    if name != "ial"
  }
  expected = {name: fields for name, fields in expected.items() if fields}
  assert written == expected


@pytest.mark.parametrize(
  ("page", "measured", "wrong"),
  [
    ("jtr.md", "4.7 instead of 5.3 GFLOP", r"109|124 GFLOP"),
    (
      "mtpsl.md",
      "A mapping whose pair no image of the batch has is skipped",
      "",
    ),
    ("balancing.md", "at features without their signs, mask per image", ""),
    ("results/rooms.md", "JTR +10.1 / +23.0 %", r"\+22 %"),
    ("results/rooms.md", "no gain that these runs can measure", "JTR leads"),
    ("results/jtr_start.md", "passes through two deep networks", "magnif"),
  ],
)
def test_pages_claim_what_was_measured(page, measured, wrong):
  text = " ".join((ROOT / "docs" / page).read_text().split())
  assert measured in text
  assert not (wrong and re.search(wrong, text))
