"""What the pages of results conclude follows from the numbers on them."""

import re
import statistics

import pytest

from tests import ROOT

PAGE = (ROOT / "docs" / "results" / "balancing.md").read_text()
WORDS = {"ial with the larger rate": "ial, `balancing.learning_rate=0.01`"}


def deltas(part):
  """Return row -> mean of Delta_MTL, of a table on the page of balancing."""
  text = PAGE[PAGE.index(f"## {part}") :]
  text = text[: text.index("\n\n* ")]
  rows = re.findall(r"^\| ([^|]+) \|.*\| \**(-?[\d.]+) ±", text, re.MULTILINE)
  return {name: float(delta) for name, delta in rows}


def test_the_baseline_is_the_mean_of_both_runs_without_balancing():
  pooled = float(re.search(r"Pooled, `uniform` is (-[\d.]+)", PAGE)[1])
  runs = (
    deltas("Supervised training")["uniform"],
    deltas("JTR with balancing")["supervised, uniform"],
  )
  assert pooled == round(statistics.fmean(runs), 1)


def test_gains_of_balancers_are_over_that_baseline():
  table = deltas("Supervised training")
  both = (table["uniform"], deltas("JTR with balancing")["supervised, uniform"])
  text = " ".join(PAGE[PAGE.index("Gain over the pooled") :].split())
  text = text[text.index("of this page): ") : text.index("Three seeds")]
  gains = re.findall(r"([a-z_][a-z_ ]*?) (-?[\d.]+) ± [\d.]+", text)
  assert len(gains) == len(table) - 2  # but `uniform` and `stl`
  for name, gain in gains:
    row = WORDS.get(name.strip(), name.strip())
    expected = table[row] - statistics.fmean(both)
    assert float(gain) == pytest.approx(expected, abs=0.051), name
