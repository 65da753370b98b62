"""Published numbers in README and in config files are those of the tables."""

import re

import pytest

from jtr_jax.tables import read
from tests import ROOT

METRICS = ("seg", "depth", "norm")
RANDOM = ("jtr_1", "randomlabels")
LIKE_FOR_LIKE = ("jtr_10", "nyu_randomlabels")
SINGLE = ("jtr_11", "nyu_randomlabels", "stl")
MUST = ("jtr_9", "randomlabels")
README = {
  "stl": SINGLE,
  "supervised": (*LIKE_FOR_LIKE, "supervised"),
  "consistency": (*RANDOM, "consistency_quoted"),
  "direct_map": (*RANDOM, "direct_map_quoted"),
  "perceptual_map": (*RANDOM, "perceptual_map_quoted"),
  "mtpsl": (*RANDOM, "mtpsl"),
  "jtr": (*RANDOM, "jtr"),
}
CONFIGS = {
  **{name: (place,) for name, place in README.items()},
  "stl": (SINGLE, (*MUST, "must_teachers")),
  "supervised": (
    (*RANDOM, "supervised_quoted"),
    (*LIKE_FOR_LIKE, "supervised"),
  ),
}


def row(table, group, name):
  """Return the printed numbers of a row, as text by column."""
  (entry,) = read.entries(read.table(table), [f"{group}/{name}"])
  return {key: cell.text for key, cell in entry.published.items()}


def metrics(place):
  """Return mIoU, depth error and angle of a row."""
  return tuple(row(*place)[column] for column in METRICS)


def test_readme_has_the_published_numbers():
  found = re.findall(
    r"^\| `(\w+)` \| [^|]+ \| ([\d.]+), ([\d.]+), ([\d.]+)( \\\*)? \|",
    (ROOT / "README.md").read_text(),
    re.MULTILINE,
  )
  assert {name: tuple(n) for name, *n, _ in found} == {
    name: metrics(place) for name, place in README.items()
  }
  quoted = {name for name, *_, star in found if star}
  assert quoted == {n for n, p in README.items() if p[2].endswith("_quoted")}


def about(name):
  """Return what a config file says of itself, on one line."""
  text = (ROOT / "configs" / f"nyu_{name}.py").read_text()
  return " ".join(text.split('"""')[1].split())


@pytest.mark.parametrize("name", CONFIGS)
def test_config_files_have_the_published_numbers(name):
  found = re.findall(
    r"mIoU ([\d.]+) %, depth abs\. error ([\d.]+) m, "
    r"normals mean angle ([\d.]+) degrees",
    about(name),
  )
  assert found == [metrics(place) for place in CONFIGS[name]]


@pytest.mark.parametrize("name", ["jtr", "mtpsl"])
def test_gains_are_also_told_over_a_baseline_trained_alike(name):
  quoted, alike = re.findall(r"\+([\d.]+) % over", about(name))
  assert float(quoted) == float(row(*RANDOM, name)["delta"])
  assert float(alike) == round(float(row(*LIKE_FOR_LIKE, name)["delta"]), 2)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("nyu_*.py")))
def test_no_config_claims_to_be_as_published(path):
  """What the papers leave open is a choice of ours; a page says which."""
  assert "as published" not in path.read_text()
